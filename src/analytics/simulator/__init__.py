"""The platforms on loopback: their shapes, limits and faults over real HTTP, with a history whose truth is known.

`world_of` is what happened: a pure function of seed and time, with every launch, viral post and
outage labelled. `serve` answers from it as the vendors do; `history` gives the same figures at once.
"""

from analytics.simulator.flow import Event
from analytics.simulator.history import contents, history, metrics_of
from analytics.simulator.platforms import world_of
from analytics.simulator.server import Simulator, serve
from analytics.simulator.world import World

__all__ = ["Event", "Simulator", "World", "contents", "history", "metrics_of", "serve", "world_of"]

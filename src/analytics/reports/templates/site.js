(() => {
  const search = document.querySelector(".search");
  if (!search) return;
  search.hidden = false;
  const words = document.getElementById("words");
  const chips = [...search.querySelectorAll(".chip")];
  const entries = [...document.querySelectorAll(".entry")];
  const found = search.querySelector(".found");
  const show = () => {
    const asked = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = chips.filter((c) => c.getAttribute("aria-pressed") === "true").map((c) => c.dataset.platform);
    let count = 0;
    for (const entry of entries) {
      const on = entry.dataset.platforms.split("|");
      const fits = asked.every((w) => entry.dataset.words.includes(w)) && chosen.every((p) => on.includes(p));
      entry.hidden = !fits;
      count += fits;
    }
    for (const year of document.querySelectorAll(".year")) year.hidden = !year.querySelector(".entry:not([hidden])");
    found.textContent = asked.length || chosen.length ? found.dataset.words.replace("{n}", count).replace("{all}", entries.length) : "";
  };
  words.addEventListener("input", show);
  for (const chip of chips)
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", chip.getAttribute("aria-pressed") !== "true");
      show();
    });
  for (const button of document.querySelectorAll(".copy")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.previousElementSibling.textContent);
      button.textContent = button.dataset.copied;
    });
  }
})();

(() => {
  'use strict';
  const settings = JSON.parse(document.getElementById('settings').textContent);
  const words = settings.words;
  const root = document.documentElement;

  // Theme: follows the system until the reader chooses; the choice is kept where storage is allowed.
  const button = document.querySelector('.theme');
  const system = matchMedia('(prefers-color-scheme: dark)');
  const stored = (() => { try { return localStorage.getItem('report-theme'); } catch { return null; } })();
  if (stored === 'dark' || stored === 'light') root.dataset.theme = stored;
  const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : system.matches);
  const name = () => {
    button.querySelector('.theme-word').textContent = isDark() ? words.light : words.dark;
    button.setAttribute('aria-label', `${words.theme}: ${isDark() ? words.light : words.dark}`);
  };
  button.hidden = false;
  button.addEventListener('click', () => {
    root.dataset.theme = isDark() ? 'light' : 'dark';
    try { localStorage.setItem('report-theme', root.dataset.theme); } catch { /* private window */ }
    name();
  });
  system.addEventListener('change', name);
  name();

  // Contents: folded on a narrow page; the section being read is marked.
  const contents = document.querySelector('.contents details');
  if (matchMedia('(max-width: 960px)').matches) contents.open = false;
  const links = new Map([...contents.querySelectorAll('a')].map((link) => [link.hash.slice(1), link]));
  const headings = [...links.keys()].map((id) => document.getElementById(id)).filter(Boolean);
  const mark = () => {
    const past = headings.filter((heading) => heading.getBoundingClientRect().top < 120);
    const here = past.at(-1) ?? headings[0];
    for (const [id, link] of links) {
      const on = here && id === here.id;
      link.classList.toggle('here', on);
      if (on) link.setAttribute('aria-current', 'location'); else link.removeAttribute('aria-current');
    }
  };
  let waiting = false;
  addEventListener('scroll', () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; mark(); });
  }, { passive: true });
  mark();

  // One tip for charts and sources; text only, so nothing in the data can become markup.
  const tip = document.getElementById('tip');
  const hideTip = () => { tip.hidden = true; };
  const showTip = (x, y, title, rows) => {
    tip.replaceChildren();
    if (title) tip.append(Object.assign(document.createElement('b'), { textContent: title }));
    const table = document.createElement('table');
    for (const [label, value] of rows) {
      const row = table.insertRow();
      row.insertCell().textContent = label;
      row.insertCell().textContent = value;
    }
    tip.append(table);
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(x + 14, innerWidth - box.width - 8))}px`;
    tip.style.top = `${y + box.height + 22 > innerHeight ? Math.max(8, y - box.height - 12) : y + 16}px`;
  };
  addEventListener('keydown', (event) => { if (event.key === 'Escape') hideTip(); });
  for (const link of document.querySelectorAll('.ref')) {
    const show = () => {
      const card = document.getElementById(`card-${link.dataset.note}`);
      const rows = [...card.querySelectorAll('dl > div')].map((row) => [row.children[0].textContent, row.children[1].textContent]);
      const box = link.getBoundingClientRect();
      showTip(box.left, box.bottom, `${words.source} ${link.dataset.note}`, rows);
    };
    link.addEventListener('mouseenter', show);
    link.addEventListener('focus', show);
    link.addEventListener('mouseleave', hideTip);
    link.addEventListener('blur', hideTip);
  }

  // Tables: headings become sort buttons where rows stand alone.
  for (const table of document.querySelectorAll('table.data')) {
    const body = table.tBodies[0];
    if (body.rows.length < 3 || body.querySelector('.group')) continue;
    const total = body.querySelector('.total');
    [...table.tHead.rows[0].cells].forEach((head, index) => {
      if (head.dataset.kind === 'spark') return;
      const control = document.createElement('button');
      control.type = 'button';
      control.append(...head.childNodes);
      control.title = words.sort.replace('{label}', control.textContent.trim());
      head.append(control);
      control.addEventListener('click', () => {
        const up = head.getAttribute('aria-sort') === 'descending';
        const key = (row) => row.cells[index].dataset.sort ?? row.cells[index].textContent.trim();
        const missing = (row) => row.cells[index].querySelector('.missing') !== null;
        const rows = [...body.rows].filter((row) => row !== total);
        rows.sort((a, b) => {
          if (missing(a) !== missing(b)) return missing(a) ? 1 : -1;
          const [p, q] = [key(a), key(b)];
          const order = p !== '' && q !== '' && !isNaN(p) && !isNaN(q) ? p - q : p.localeCompare(q, settings.language);
          return up ? order : -order;
        });
        body.append(...rows, ...(total ? [total] : []));
        for (const other of head.parentNode.cells) other.removeAttribute('aria-sort');
        head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
      });
    });
  }

  // Charts: unpacked and drawn when they come near.
  if (!window.vegaEmbed || !window.DecompressionStream) return;

  const unpack = async (text) => {
    const bytes = Uint8Array.from(atob(text.trim()), (char) => char.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
    const spec = JSON.parse(await new Response(stream).text());
    for (const [key, columns] of Object.entries(spec.datasets ?? {})) spec.datasets[key] = rowsOf(columns);
    return spec;
  };
  const rowsOf = (columns) => {
    const names = Object.keys(columns);
    const rows = [];
    for (const name of names) {
      let sum = 0;
      columns[name].forEach((value, i) => {
        rows[i] ??= {};
        if (name[0] === '+') { sum += value; rows[i][name.slice(1)] = sum; } else rows[i][name] = value;
      });
    }
    return rows;
  };

  const tipFor = (zooms, event, value) => {
    if (value === null || value === undefined || value === '') {
      if (!zooms) hideTip();
    } else if (typeof value !== 'object') {
      showTip(event.clientX, event.clientY, String(value), []);
    } else {
      const [first, ...rest] = Object.entries(value).map(([label, text]) => [label, String(text)]);
      showTip(event.clientX, event.clientY, first[1], rest);
    }
  };

  const quiet = { level() { return this; }, error(...said) { console.error(...said); return this; }, warn() { return this; }, info() { return this; }, debug() { return this; } };

  // The small form of a chart: names on two lines, rows as high as these, legends below each other.
  const isNarrow = (width) => width < 560;
  const makeSmall = (spec, designed) => {
    let rows = 0;
    const walk = (node) => {
      if (!node || typeof node !== 'object') return;
      if (node.y?.axis?.labelLimit) {
        rows = Math.max(rows, node.y.sort?.length ?? 0);
        Object.assign(node.y.axis, { labelLimit: 124, labelLineHeight: 12, labelFontSize: 10.5, labelExpr: "split(replace(datum.label, regexp('^(.{3,19}) (.+)$'), '$1\\n$2'), '\\n')" });
      }
      if (node.x?.axis?.tickCount) node.x.axis.tickCount = Math.min(4, node.x.axis.tickCount);
      if (node.x?.scale?.domainMax) node.x.scale.domainMax *= 1.12; // room for the figure at the longest bar's end
      if (node.x?.axis?.labelOverlap) node.x.axis.labelSeparation = 6;
      if (node.color?.legend) Object.assign(node.color.legend, { titleOrient: 'top', gradientLength: 200 });
      for (const [key, value] of Object.entries(node)) if (key !== 'datasets') walk(value);
    };
    walk(spec);
    Object.assign(spec.config.legend, { columns: 2, columnPadding: 10, layout: { top: { direction: 'vertical', anchor: 'start', margin: 2 } } });
    spec.height = rows ? rows * 29 + 80 : Math.max(designed, 240);
  };

  const draw = async (figure) => {
    const spec = await unpack(figure.querySelector('.packed').textContent);
    const zooms = (spec.params ?? []).some((param) => param.name === 'zoom');
    spec.params = (spec.params ?? []).map((param) => (param.name === 'zoom' ? { ...param, select: { ...param.select, translate: false, zoom: false } } : param));
    const still = figure.querySelector('.still');
    const live = document.createElement('div');
    live.className = zooms ? 'drawing live' : 'drawing live plain';
    const single = spec.width !== undefined;
    const width = () => Math.max(280, Math.floor(figure.clientWidth));
    if (single) {
      spec.width = width();
      const designed = spec.height;
      spec.height = Math.max(Math.min(210, designed), Math.round(still.clientHeight)); // as tall as the picture it replaces
      if (isNarrow(spec.width)) makeSmall(spec, designed);
    } else if (spec.spec?.width && spec.columns) {
      if (width() < 600) spec.columns = Math.min(2, spec.columns);
      spec.spec.width = Math.floor(width() / spec.columns) - 60;
    }
    live.style.visibility = 'hidden';
    live.style.position = 'absolute';
    still.after(live);
    const { view } = await window.vegaEmbed(live, spec, {
      ...(settings.locale ?? {}), actions: false, defaultStyle: false, renderer: 'svg', ast: true, hover: false, logger: quiet, mode: 'vega-lite', tooltip: (_handler, event, _item, value) => tipFor(zooms, event, value),
    });
    live.setAttribute('role', zooms ? 'application' : 'img');
    live.setAttribute('aria-label', `${spec.description ?? ''}${zooms ? ` ${words.keys}` : ''}`);
    const svg = live.querySelector('svg');
    svg.setAttribute('aria-hidden', 'true');
    figure.classList.add('ready');
    live.removeAttribute('style');
    if (single) {
      let last = width();
      const watch = new ResizeObserver(() => {
        if (width() === last || width() < 100) return;
        if (isNarrow(last) !== isNarrow(width())) { redraw(); return; }
        last = width();
        view.width(last).runAsync();
      });
      const redraw = () => {
        watch.disconnect();
        view.finalize();
        for (const part of figure.querySelectorAll('.live, .tools, .hint')) part.remove();
        figure.classList.remove('ready');
        draw(figure).then((made) => window.reportViews.set(figure.id, made)).catch((error) => console.error(error));
      };
      watch.observe(figure);
    }
    if (zooms) zoomable(figure, live, view);
    return view;
  };

  const zoomable = (figure, live, view) => {
    const full = view.scale('x').domain().map(Number);
    const least = (full[1] - full[0]) / 400;
    const tools = document.createElement('div');
    tools.className = 'tools';
    live.tabIndex = 0;
    const domain = () => view.scale('x').domain().map(Number);
    const set = ([from, to]) => {
      const span = Math.max(least, Math.min(full[1] - full[0], to - from));
      const start = Math.max(full[0], Math.min(full[1] - span, from));
      view.signal('zoom_time', [start, start + span]).runAsync();
      tools.classList.toggle('zoomed', span < full[1] - full[0]);
    };
    const scaled = (factor, share = 0.5) => {
      const [from, to] = domain();
      const centre = from + (to - from) * share;
      set([centre - (centre - from) * factor, centre + (to - centre) * factor]);
    };
    const moved = (share) => { const [from, to] = domain(); const by = (to - from) * share; set([from + by, to + by]); };
    const reset = () => set(full);
    for (const [label, text, act] of [[words.zoom_in, '+', () => scaled(0.5)], [words.zoom_out, '−', () => scaled(2)], [words.reset, '↺', reset]]) {
      const control = Object.assign(document.createElement('button'), { type: 'button', textContent: text, title: label });
      control.setAttribute('aria-label', label);
      control.addEventListener('click', act);
      tools.append(control);
    }
    figure.append(tools, Object.assign(document.createElement('span'), { className: 'hint', textContent: words.hint }));
    figure.querySelector('.hint').setAttribute('aria-hidden', 'true');

    const across = (event) => {
      const box = live.querySelector('svg').getBoundingClientRect();
      const [left] = view.origin();
      const pad = view.padding().left ?? 0;
      const width = view.scale('x').range()[1];
      return { at: event.clientX - box.left - left - pad, width, offset: left + pad, top: view.origin()[1] + (view.padding().top ?? 0) };
    };
    const brush = Object.assign(document.createElement('div'), { className: 'brush', hidden: true });
    const cross = Object.assign(document.createElement('div'), { className: 'cross', hidden: true });
    live.append(brush, cross);
    const plotHeight = () => view.scale('y').range()[0];
    let start = null;
    live.addEventListener('pointerdown', (event) => {
      if (event.button !== 0 || event.pointerType === 'touch') return;
      const { at, width } = across(event);
      if (at < 0 || at > width) return;
      start = at;
      live.setPointerCapture(event.pointerId);
      event.preventDefault();
      live.focus({ preventScroll: true });
    });
    const clamp = (value, width) => Math.max(0, Math.min(width, value));
    live.addEventListener('pointermove', (event) => {
      const { at, width, offset, top } = across(event);
      if (start !== null) {
        const [from, to] = [start, clamp(at, width)].sort((a, b) => a - b);
        brush.hidden = to - from < 3;
        Object.assign(brush.style, { left: `${offset + from}px`, width: `${to - from}px`, top: `${top}px`, height: `${plotHeight()}px` });
        hideTip();
        cross.hidden = true;
        return;
      }
      hover(event, at, width, offset, top);
    });
    live.addEventListener('pointerup', (event) => {
      if (start === null) return;
      const { at, width } = across(event);
      const [from, to] = [start, clamp(at, width)].sort((a, b) => a - b);
      start = null;
      brush.hidden = true;
      if (to - from < 6) return;
      const scale = view.scale('x');
      set([Number(scale.invert(from)), Number(scale.invert(to))]);
    });
    live.addEventListener('dblclick', reset);
    live.addEventListener('wheel', (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const { at, width } = across(event);
      scaled(event.deltaY > 0 ? 1.25 : 0.8, clamp(at / width, 1));
    }, { passive: false });
    live.addEventListener('keydown', (event) => {
      const act = { '+': () => scaled(0.5), '=': () => scaled(0.5), '-': () => scaled(2), 0: reset, ArrowLeft: () => moved(-0.2), ArrowRight: () => moved(0.2) }[event.key];
      if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act();
    });
    live.addEventListener('pointerleave', () => { hideTip(); cross.hidden = true; });

    const rows = seriesOf(view);
    const when = new Intl.DateTimeFormat(settings.language, { timeZone: 'UTC', weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
    const amount = new Intl.NumberFormat(settings.language, { maximumSignificantDigits: 4 });
    const said = (value) => (value === null || value === undefined ? words.missing : amount.format(value));
    const hover = (event, at, width, offset, top) => {
      if (!rows.length || at < 0 || at > width) { hideTip(); cross.hidden = true; return; }
      const time = Number(view.scale('x').invert(at));
      let [low, high] = [0, rows.length - 1];
      while (high - low > 1) { const middle = (low + high) >> 1; if (rows[middle].time < time) low = middle; else high = middle; }
      const row = time - rows[low].time < rows[high].time - time ? rows[low] : rows[high];
      Object.assign(cross.style, { left: `${offset + view.scale('x')(row.time)}px`, top: `${top}px`, height: `${plotHeight()}px` });
      cross.hidden = false;
      const lines = [[row.severity ?? '', '']].slice(row.severity ? 0 : 1);
      lines.push([words.observed, said(row.observed)]);
      if ('expected' in row) lines.push([words.expected, said(row.expected)]);
      if ('lower' in row) lines.push([words.range, `${said(row.lower)} – ${said(row.upper)}`]);
      showTip(event.clientX, event.clientY, when.format(row.time), lines);
    };
  };

  const seriesOf = (view) => {
    for (const name of Object.keys(view.getState({ data: () => true, signals: () => false }).data ?? {})) {
      const rows = view.data(name);
      if (rows?.length && 'observed' in rows[0] && !('severity' in rows[0])) {
        return [...rows].map((row) => ({ ...row, time: Number(row.time) })).sort((a, b) => a.time - b.time);
      }
    }
    return [];
  };

  window.reportViews = new Map();
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      near.unobserve(entry.target);
      draw(entry.target).then((view) => window.reportViews.set(entry.target.id, view)).catch((error) => console.error(error));
    }
  }, { rootMargin: '600px' });
  for (const packed of document.querySelectorAll('.packed')) near.observe(packed.closest('figure'));
})();

// The style and the script that every page carries inside (train/report/html.cpp).
//
// Eight line colours, after Okabe and Ito's set for the colour-blind, darkened on white and
// lightened on black until each has a contrast of 3 to 1 with the background.
#pragma once

namespace moe {

inline constexpr const char* kPageStyle = R"css(
:root{--back:#fff;--box:#f6f7f9;--text:#1c2126;--soft:#5b6570;--rule:#dde1e6;--warn:#fff4d6;
--s0:#0067b0;--s1:#c2500a;--s2:#007a5e;--s3:#a8488c;--s4:#7a6a00;--s5:#2b87c7;--s6:#6b4fa0;
--s7:#59626b}
@media(prefers-color-scheme:dark){:root{--back:#14171b;--box:#1d2126;--text:#e6e9ec;--soft:#a3adb7;
--rule:#363d45;--warn:#3a3014;
--s0:#5fb2ff;--s1:#ff9350;--s2:#2fcfa2;--s3:#e58cca;--s4:#d8c545;--s5:#9bd3f7;--s6:#b9a1f0;
--s7:#b4bcc4}}
*{box-sizing:border-box}
html{color-scheme:light dark;-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:1400px;padding:16px;background:var(--back);color:var(--text);
font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
h1{font-size:22px;margin:0 0 12px;overflow-wrap:anywhere}
h2{font-size:17px;margin:28px 0 10px}
p{margin:0 0 10px;max-width:75ch;overflow-wrap:anywhere}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:8px;
margin:0 0 12px}
.facts div{background:var(--box);border-radius:6px;padding:7px 10px;min-width:0}
.facts dt{color:var(--soft);font-size:12px}
.facts dd{margin:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
.warn{background:var(--warn);border-radius:6px;margin:0 0 12px;padding:8px 10px 8px 28px}
.warn li{overflow-wrap:anywhere}
.wide{overflow-x:auto;margin:0 0 14px}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:14px}
th,td{padding:4px 10px;border-bottom:1px solid var(--rule);text-align:right;white-space:nowrap}
th{color:var(--soft);font-weight:600}
th:first-child,td:first-child{text-align:left}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,380px),1fr));gap:14px}
figure{margin:0;background:var(--box);border-radius:8px;padding:10px;min-width:0;display:flex;
flex-direction:column}
figcaption{font-weight:600;overflow-wrap:anywhere}
.note{color:var(--soft);font-size:12px;font-weight:400;margin:0}
.legend{display:flex;flex-wrap:wrap;gap:2px 12px;margin:2px 0 0;padding:0;list-style:none;
font-size:12px;font-weight:400}
.legend li{overflow-wrap:anywhere}
.legend svg{width:22px;height:8px;margin-right:5px;vertical-align:middle}
.plot{position:relative;touch-action:pan-y;margin-top:auto}
.plot svg{display:block;width:100%;height:auto}
.plot text{fill:var(--soft);font-size:11px}
.axis{stroke:var(--rule);fill:none}
.cursor{stroke:var(--soft);stroke-dasharray:3 3;visibility:hidden}
.line{fill:none;stroke-width:1.6;stroke-linejoin:round;vector-effect:non-scaling-stroke}
.band{opacity:.2;stroke:none}
.tip{position:absolute;pointer-events:none;background:var(--back);border:1px solid var(--rule);
border-radius:6px;padding:4px 8px;font-size:12px;line-height:1.35;max-width:95%;z-index:1;
font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.tip i{display:inline-block;width:8px;height:8px;border-radius:4px;margin-right:5px}
.bars{display:grid;grid-template-columns:auto 1fr auto;gap:4px 8px;align-items:center;font-size:12px;
margin-top:8px;font-variant-numeric:tabular-nums;color:var(--soft)}
.bars span{text-align:right}
.bars div{height:10px;background:var(--back);border-radius:2px}
.bars i{display:block;height:10px;background:var(--s0);border-radius:2px}
.scale{display:flex;align-items:center;gap:6px;font-size:12px;color:var(--soft);font-weight:400}
.scale svg{width:110px;height:10px;flex:none}
)css";

// It finds every figure's values in a JSON block beside its drawing, and marks the document when it
// is through, so that a test can see that nothing threw: data-ready is the number of figures,
// data-overflow whether the page is wider than the window.
inline constexpr const char* kPageScript = R"js(
'use strict';
(() => {
  const shown = v => v === null ? 'n/a' :
    Math.abs(v) >= 1e4 && Math.abs(v) < 1e15 ? Math.round(v).toLocaleString('en') :
    String(+v.toPrecision(5));
  const nearest = (xs, x) => {
    let low = 0, high = xs.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (xs[middle] <= x) low = middle; else high = middle;
    }
    return high >= 0 && Math.abs(xs[high] - x) < Math.abs(xs[low] - x) ? high : low;
  };
  const lineTip = (data, x, add) => {
    let at = null;
    for (const s of data.series) {
      if (!s.x.length) continue;
      const found = s.x[nearest(s.x, x)];
      if (at === null || Math.abs(found - x) < Math.abs(at - x)) at = found;
    }
    if (at === null) return null;
    add(data.label + ' ' + shown(at));
    const near = (data.x[1] - data.x[0]) * .015;
    data.series.forEach((s, i) => {
      const j = nearest(s.x, at);
      if (!(Math.abs(s.x[j] - at) <= near)) return;
      const band = s.low[j] === null ? '' :
        ' (' + shown(s.low[j]) + ' to ' + shown(s.high[j]) + ')';
      const name = data.series.length > 1 ? s.name + ' ' : '';
      add(name + shown(s.y[j]) + band, 'var(--s' + i % 8 + ')');
    });
    return at;
  };
  const heatTip = (data, x, y, add) => {
    let column = 0;
    while (column + 1 < data.starts.length && data.starts[column + 1] <= x) column++;
    const row = Math.min(data.rows.length - 1, Math.max(0, Math.floor(y * data.rows.length)));
    const value = data.load[column][row];
    const end = column + 1 < data.starts.length ? data.starts[column + 1] : data.x[1];
    add(data.label + ' ' + (data.columns ? data.columns[column] :
      shown(data.starts[column]) + ' to ' + shown(end)));
    const share = value === null ? 'n/a' : (value / 100).toFixed(2) + ' ' +
      (data.unit ?? 'of its fair share');
    add(data.rows[row] + ': ' + share);
    return (data.starts[column] + end) / 2;
  };
  const figures = document.querySelectorAll('figure');
  for (const figure of figures) {
    const block = figure.querySelector('script');
    if (!block) continue;
    const data = JSON.parse(block.textContent);
    const plot = figure.querySelector('.plot'), svg = plot.querySelector('svg');
    const cursor = svg.querySelector('.cursor');
    const tip = plot.appendChild(document.createElement('div'));
    tip.className = 'tip';
    tip.hidden = true;
    const hide = () => { tip.hidden = true; cursor.style.visibility = 'hidden'; };
    const show = event => {
      const place = svg.getBoundingClientRect(), [left, top, right, bottom] = data.box;
      const unit = svg.viewBox.baseVal.width / place.width;
      const share = ((event.clientX - place.left) * unit - left) / (right - left);
      const y = ((event.clientY - place.top) * unit - top) / (bottom - top);
      if (share < -.03 || share > 1.03) return hide();
      const x = data.x[0] + share * (data.x[1] - data.x[0]);
      tip.textContent = '';
      const add = (text, color) => {
        const line = tip.appendChild(document.createElement('div'));
        if (color) line.appendChild(document.createElement('i')).style.background = color;
        line.appendChild(document.createTextNode(text));
      };
      const at = data.kind === 'heat' ? heatTip(data, x, y, add) : lineTip(data, x, add);
      if (at === null) return hide();
      const px = left + (at - data.x[0]) / (data.x[1] - data.x[0]) * (right - left);
      cursor.setAttribute('x1', px);
      cursor.setAttribute('x2', px);
      cursor.style.visibility = 'visible';
      tip.hidden = false;
      const width = tip.offsetWidth, center = px / unit;
      const beside = center + 12 + width <= place.width ? center + 12 : center - 12 - width;
      tip.style.left = Math.max(0, Math.min(place.width - width, beside)) + 'px';
      tip.style.top = Math.max(0, (event.clientY - place.top) - tip.offsetHeight - 12) + 'px';
    };
    plot.addEventListener('pointermove', show);
    plot.addEventListener('pointerdown', show);
    plot.addEventListener('pointerleave', event => { if (event.pointerType === 'mouse') hide(); });
  }
  const root = document.documentElement;
  root.dataset.overflow = root.scrollWidth > root.clientWidth;
  root.dataset.ready = figures.length;
})();
)js";

}  // namespace moe

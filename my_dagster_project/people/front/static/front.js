// Draws the charts of a page, and keeps the page as it is now: it asks for itself every few seconds and puts in what has changed.
// Without it a page is whole, but for what moves.
"use strict";

const live = new Map();

function colours() {
  const ink = getComputedStyle(document.body);
  return { ink: ink.color, line: ink.getPropertyValue("--line").trim(), card: ink.getPropertyValue("--card").trim() };
}

function looks(layout) {
  const { ink, line, card } = colours();
  const narrow = innerWidth < 640;
  const axis = { gridcolor: line, zerolinecolor: line, linecolor: line, automargin: true, fixedrange: narrow };
  return {
    ...layout,
    paper_bgcolor: "transparent", plot_bgcolor: "transparent",
    font: { color: ink, size: narrow ? 11 : 12, family: "system-ui, sans-serif" },
    margin: { l: 8, r: 8, t: 8, b: 8 }, hovermode: "x unified", hoverlabel: { bgcolor: card, bordercolor: line },
    dragmode: narrow ? false : "zoom", legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" }, showlegend: true, uirevision: "same",
    xaxis: { ...axis, ...layout.xaxis }, yaxis: { ...axis, ...layout.yaxis },
  };
}

function draw(figure) {
  // Drawn when it is opened: folded away it has no width.
  if (!window.Plotly || figure.closest("details:not([open])")) return;
  figure.classList.add("is-drawn");
  const { data, layout } = JSON.parse(figure.dataset.chart);
  figure.querySelector(".drawn").style.height = `${layout.height}px`;
  const options = { responsive: true, displaylogo: false, displayModeBar: false };
  window.Plotly.react(figure.querySelector(".drawn"), data, looks(layout), options);
}

// Who follows a link into something that is folded away finds it open.
function unfold() {
  const at = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let one = at?.closest("details:not([open])"); one; one = one.closest("details:not([open])")) one.open = true;
  at?.scrollIntoView();
}

function drawAll() {
  document.querySelectorAll("figure[data-chart]").forEach(draw);
}

function isUsed(block) {
  return block.matches(":focus-within") || block.querySelector(":popover-open, :not(figure) > details[open]") !== null;
}

function markChanged(old, fresh) {
  const before = old.querySelectorAll("td");
  const after = fresh.querySelectorAll("td");
  if (before.length !== after.length) return;
  after.forEach((cell, place) => {
    if (cell.textContent !== before[place].textContent) cell.classList.add("changed");
  });
}

function replace(old, fresh) {
  if (old.dataset.chart) {
    old.dataset.chart = fresh.dataset.chart;
    old.querySelector("details table").replaceWith(fresh.querySelector("details table"));
    draw(old);
    return;
  }
  markChanged(old, fresh);
  const across = [...old.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
  old.replaceWith(fresh);
  fresh.querySelectorAll(".scroll").forEach((one, place) => { one.scrollLeft = across[place] ?? 0; });
}

function put(page) {
  for (const fresh of page.querySelectorAll("[data-live]")) {
    const old = document.getElementById(fresh.id);
    const text = fresh.outerHTML;
    if (!old) return location.reload();
    if (live.get(fresh.id) === text || isUsed(old)) continue;
    live.set(fresh.id, text);
    replace(old, document.importNode(fresh, true));
  }
}

async function renew() {
  const stale = document.getElementById("stale");
  try {
    const answer = await fetch(location.href, { headers: { "X-Renewal": "1" } });
    if (answer.ok) put(new DOMParser().parseFromString(await answer.text(), "text/html"));
    stale.hidden = answer.ok;
  } catch {
    stale.hidden = false;
  }
}

function keepRenewing(seconds) {
  setTimeout(async () => {
    if (!document.hidden) await renew();
    keepRenewing(seconds);
  }, seconds * 1000);
}

document.addEventListener("toggle", ({ target }) => {
  if (target.open) target.querySelectorAll?.("figure[data-chart]").forEach(draw);
}, true);
document.querySelectorAll("[data-live]").forEach((one) => live.set(one.id, one.outerHTML));
drawAll();
if (location.hash) unfold();
addEventListener("hashchange", unfold);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
const seconds = Number(document.body.dataset.refresh);
if (seconds) keepRenewing(seconds);

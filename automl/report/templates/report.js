"use strict";
(() => {
  const drawings = document.getElementById("drawings").textContent;

  // "@ink" and the like in a figure are colours of the style sheet.
  function themed() {
    const style = getComputedStyle(document.documentElement);
    const colour = (_, name) => JSON.stringify(style.getPropertyValue("--" + name).trim());
    return JSON.parse(drawings.replace(/"@([a-z]+)"/g, colour));
  }

  function draw() {
    if (!window.Plotly) return;
    const config = { responsive: true, displaylogo: false, showSendToCloud: false, displayModeBar: "hover", modeBarButtons: [["toImage", "zoomIn2d", "zoomOut2d", "resetScale2d"]] };
    const narrow = window.innerWidth < 640;
    for (const figure of themed()) {
      if (narrow && figure.layout.showlegend !== false) {
        figure.layout.legend = { orientation: "h", yref: "container", y: 0, yanchor: "bottom", traceorder: "normal", font: { size: 11 } };
      }
      window.Plotly.react("plot-" + figure.name, figure.data, figure.layout, config);
    }
  }

  function compare(column, sign) {
    return (one, other) => {
      const [a, b] = [one.cells[column], other.cells[column]];
      const [x, y] = [a.dataset.order, b.dataset.order];
      if (x !== undefined && y !== undefined) return sign * (Number(x) - Number(y));
      if (x !== undefined || y !== undefined) return x === undefined ? 1 : -1; // empty cells last, either way
      return sign * a.textContent.localeCompare(b.textContent);
    };
  }

  function sortBy(heading) {
    const table = heading.closest("table");
    const falling = heading.getAttribute("aria-sort") === "ascending";
    for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
    const rows = [...table.tBodies[0].rows].sort(compare(heading.cellIndex, falling ? -1 : 1));
    table.tBodies[0].append(...rows);
  }

  for (const heading of document.querySelectorAll(".sortable th")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sortBy(heading));
    heading.append(button);
  }

  draw();
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const details of closed) details.open = true;
    draw();
  });
  window.addEventListener("afterprint", () => {
    for (const details of closed) details.open = false;
    draw();
  });
})();

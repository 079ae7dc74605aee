"use strict";

/* Draws the pictures that travel with the page as data; plotly.js is there once all is loaded. */

document.addEventListener("DOMContentLoaded", () => {
  const plots = JSON.parse(document.getElementById("plots").textContent);
  for (const [name, { data, layout }] of Object.entries(plots)) {
    Plotly.newPlot(document.getElementById(name), data, layout, {
      responsive: true,
      displaylogo: false,
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    });
  }
});

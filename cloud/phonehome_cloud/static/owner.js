// Keeps an owner's page up to date while it is looked at. Without this script the page works, too.
"use strict";
const EVERY_MS = 3000;

function isBusy(main) {
  const active = document.activeElement;
  return main.contains(active) && active.matches("input, textarea, select");
}

async function look() {
  const main = document.getElementById("main");
  if (document.hidden || isBusy(main)) return;
  const answer = await fetch(location.pathname + "/version", { cache: "no-store" });
  if (!answer.ok || (await answer.json()).version === main.dataset.version) return;
  const page = await fetch(location.href, { cache: "no-store" });
  if (!page.ok) return;
  const fresh = new DOMParser().parseFromString(await page.text(), "text/html");
  const renewed = fresh.getElementById("main");
  if (!renewed || isBusy(main)) return;
  main.replaceWith(document.adoptNode(renewed));
  document.getElementById("news").textContent = renewed.dataset.updated;
}

setInterval(() => look().catch(() => {}), EVERY_MS);

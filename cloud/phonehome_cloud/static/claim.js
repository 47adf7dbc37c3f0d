// What stands behind # on the label never travels: it is put into the form here, and taken away.
"use strict";
const [device, code] = location.hash.slice(1).split(".");
if (code) {
  document.getElementById("device").value = decodeURIComponent(device);
  document.getElementById("code").value = decodeURIComponent(code);
  history.replaceState(null, "", location.pathname + location.search);
}
const zone = document.querySelector("select[data-guess]");
const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && [...zone.options].some((option) => option.value === here)) {
  zone.value = here;
}

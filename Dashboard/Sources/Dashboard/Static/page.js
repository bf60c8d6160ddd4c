"use strict";

// What all pages share: charts, announcements, and the stream of what changes.

const chartOptions = {actions: false, defaultStyle: false, tooltip: {disableDefaultStyle: true}};
if (typeof drawCharts === "function") drawCharts(document, chartOptions);

const announcement = document.getElementById("announcement");

// Says something to those who listen to the page.
function announce(text) { announcement.textContent = text; }

// Listens to the page's stream while the page can be seen: browsers allow few connections at a time.
// `handlers` has a function for each kind of message, which is given its fields.
function listen(handlers) {
  const address = document.body.dataset.events;
  const connection = document.getElementById("connection");
  if (!address) return;
  let source = null;
  let isOver = false;

  function open() {
    if (source || isOver) return;
    source = new EventSource(address);
    source.onopen = () => { connection.hidden = true; };
    source.onerror = () => {
      if (connection.hidden) announce("Not connected to the dashboard; trying again.");
      connection.hidden = false;
      // A refused stream isn't tried again by itself.
      if (source && source.readyState === EventSource.CLOSED) { close(); setTimeout(open, 5000); }
    };
    for (const [kind, handle] of Object.entries(handlers)) {
      source.addEventListener(kind, event => handle(JSON.parse(event.data)));
    }
    source.addEventListener("problem", event => {
      announce(JSON.parse(event.data).text);
      finish();
    });
  }
  function close() {
    if (source) source.close();
    source = null;
  }
  function finish() {
    isOver = true;
    close();
  }
  document.addEventListener("visibilitychange", () => { if (document.hidden) close(); else open(); });
  if (!document.hidden) open();
  return finish;
}

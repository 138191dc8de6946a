// Keeps the page fresh: the table by fetching the page anew, the log by server-sent events.
const refreshMs = 2000;
const linesMax = 2000;

async function refresh() {
  try {
    const answer = await fetch(location.pathname, { headers: { accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of ["summary", "resources"]) {
      const old = document.getElementById(id);
      const now = fresh.getElementById(id);
      if (old && now && old.innerHTML !== now.innerHTML) old.replaceWith(now);
    }
  } catch {
    // The AppHost is gone or restarting; the next turn tells.
  } finally {
    setTimeout(refresh, refreshMs);
  }
}

function follow(log) {
  const source = new EventSource(log.dataset.source);
  source.onopen = () => log.replaceChildren();
  source.onmessage = (event) => {
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    log.append(event.data + "\n");
    while (log.childNodes.length > linesMax) log.firstChild.remove();
    if (atEnd) log.scrollTop = log.scrollHeight;
  };
}

if (document.body.dataset.next) location.replace(document.body.dataset.next);
if (document.body.dataset.live) setTimeout(refresh, refreshMs);
const log = document.getElementById("log");
if (log) follow(log);

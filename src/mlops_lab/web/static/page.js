// What the page does beside showing: it follows the project, and asks for a reason and a token before an action.
"use strict";

const project = document.body.dataset.project;
const ask = document.getElementById("ask");
const told = document.getElementById("told");
const away = document.getElementById("away");
const LOST = away.textContent;
const REFRESH_SECONDS = 30;  // what a server says, and the time, are in no table
let stale = false;

function tellAway(text) {
  away.textContent = text;
  away.hidden = !text;
}

async function refresh() {
  if (document.querySelector("[data-still]")) return;  // what was asked for once is not computed again and again
  if (ask.open) { stale = true; return; }  // not under the hands of somebody who types
  stale = false;
  const response = await fetch(location.href);
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  if (!response.ok) { tellAway(`What stands here may be old: ${fresh.querySelector("h1").textContent}`); return; }
  tellAway("");
  const [now, then] = [fresh.getElementById("content"), document.getElementById("content")];
  if (then.contains(document.activeElement) && document.activeElement.matches("input, select")) { stale = true; return; }
  if (now.innerHTML !== then.innerHTML) then.replaceChildren(...now.childNodes);
  document.title = fresh.title;
}

function follow() {
  const events = new EventSource(`/${project}/live`);
  let first = true;
  events.onmessage = () => {
    tellAway("");
    if (!first) refresh().catch(() => {});
    first = false;
  };
  events.onerror = () => tellAway(LOST);
}

function tell(text) {
  told.textContent = text;
  told.hidden = false;
}

async function act(button, form) {
  const body = { reason: form.reason.value };
  if (button.dataset.alert) body.alert = button.dataset.alert;
  if (button.dataset.action === "silence") body.hours = Number(form.hours.value);
  if (button.dataset.expects) body.expects = Number(button.dataset.expects);
  const response = await fetch(`/${project}/do/${button.dataset.action}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${form.token.value}` },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (response.ok) {
    sessionStorage.setItem("token", form.token.value);
    ask.close();
    tell(`Done: ${answer.done}.`);
    await refresh();
    return;
  }
  const parts = [answer.error.what, answer.error.hint].filter(Boolean);
  document.getElementById("ask-error").textContent = parts.map((text) => `${text[0].toUpperCase()}${text.slice(1).replace(/\.$/, "")}.`).join(" ");
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button.action");
  if (!button) return;
  const form = ask.querySelector("form");
  form.reset();
  form.token.value = sessionStorage.getItem("token") || "";
  document.getElementById("ask-title").textContent = button.textContent;
  document.getElementById("ask-what").textContent = button.dataset.what;
  document.getElementById("ask-hours").hidden = button.dataset.action !== "silence";
  document.getElementById("ask-error").textContent = "";
  form.onsubmit = (submitted) => {
    submitted.preventDefault();
    act(button, form).catch((error) => { document.getElementById("ask-error").textContent = `The page's server is away: ${error.message}`; });
  };
  ask.showModal();
});
document.addEventListener("submit", (event) => { if (event.target.dataset.busy) tell(event.target.dataset.busy); });
addEventListener("pageshow", () => { told.hidden = true; });  // a page that one returns to waits for nothing
document.getElementById("ask-cancel").addEventListener("click", () => ask.close());
ask.addEventListener("close", () => { if (stale) refresh().catch(() => {}); });
document.addEventListener("focusout", () => { if (stale && !ask.open) setTimeout(() => refresh().catch(() => {}), 0); });
if (project) follow();
setInterval(() => { if (!document.hidden) refresh().catch(() => tellAway(LOST)); }, 1000 * REFRESH_SECONDS);

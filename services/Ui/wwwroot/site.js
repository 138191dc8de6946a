// Every page works without this file; it only saves clicks.

// A filter whose choice changes is applied at once: <select data-autosubmit>.
document.addEventListener("change", event => {
  if (event.target.matches("[data-autosubmit]")) event.target.form?.requestSubmit();
});

// A form that was sent is not sent again by an impatient second click.
document.addEventListener("submit", event => {
  if (event.target.method !== "post") return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "true";
});

// A page that comes back from the browser's history may send its form again.
window.addEventListener("pageshow", event => {
  if (event.persisted) document.querySelectorAll("form[data-sent]").forEach(form => delete form.dataset.sent);
});

// <button data-print> prints the page; it stays hidden where scripts do not run.
document.querySelectorAll("[data-print]").forEach(button => {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
});

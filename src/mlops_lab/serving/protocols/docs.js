"use strict";
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const paint = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
paint();
dark.addEventListener("change", paint);
// Swagger UI starts its headings at the third level, puts links into buttons, and its title into no part of the page:
// programs that read pages aloud lose their way in these. Operations can still be linked to: the address changes when one is opened.
const page = document.getElementById("page");
const repair = () => {
  for (const heading of page.querySelectorAll("h3.opblock-tag, .models h4")) heading.setAttribute("aria-level", "2");
  for (const link of page.querySelectorAll("button a[href]")) link.removeAttribute("href");
  page.querySelector(".information-container")?.setAttribute("role", "banner");
};
new MutationObserver(repair).observe(page, { childList: true, subtree: true });
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#page",
  validatorUrl: null, // nobody else is asked
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
});

// Before the first paint: the theme that was chosen on this page.  Without a choice the system's holds.
const theme = localStorage.getItem("nox-theme");
if (theme === "dark" || theme === "light") {
  document.documentElement.dataset.theme = theme;
}

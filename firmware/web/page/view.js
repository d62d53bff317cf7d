// What is open above the list, one thing at a time: Back closes it.

/** Takes away what is open; null if nothing is. */
let shut = null;
let onLeave = () => {};
/** The address of what lies below. */
let home = "/";

/** What happens when what was open has been closed. */
export const setOnLeave = (handler) => (onLeave = handler);

export const isOpen = () => shut !== null;

/** Makes room for something, in place of what is open; `onShut` takes it away again. It may have an address of its own. */
export function open(onShut, address) {
  if (shut === onShut && !address) return;
  if (shut && shut !== onShut) shut();
  if (history.state?.player) {
    history.replaceState(history.state, "", address ?? home);
  } else {
    home = location.href;
    history.pushState({ player: true }, "", address ?? home);
  }
  shut = onShut;
  document.querySelector("main").classList.add("watching");
}

export function close() {
  // What happens then is the same as when Back is pressed.
  if (history.state?.player) history.back();
  else leave();
}

function leave() {
  const old = shut;
  shut = null;
  document.querySelector("main").classList.remove("watching");
  old?.();
  if (old) onLeave();
}

/** On a low screen what was opened is not always in sight. */
export function reveal(element) {
  const { top, bottom } = element.getBoundingClientRect();
  if (top < 0 || bottom > innerHeight) element.scrollIntoView({ block: "start", behavior: "instant" });
}

addEventListener("popstate", () => {
  if (!history.state?.player) leave();
  // Forward leads to something that has nothing to show any more.
  else if (!isOpen()) history.back();
});
// A page that was reloaded has nothing open, and Back should not have to say so.
if (history.state?.player) history.replaceState(null, "");

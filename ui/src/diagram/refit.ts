// What was fitted to a width is fitted anew when that changes: a window that is made smaller, a screen that is turned.
export function refitting(element: HTMLElement, refit: () => void): () => void {
  let width = element.clientWidth;
  const watcher = new ResizeObserver(([entry]) => {
    const now = entry?.contentRect.width ?? width;
    // Nothing is fitted to what is hidden, nor for the width of a border.
    if (now === 0 || Math.abs(now - width) < 2) return;
    width = now;
    refit();
  });
  watcher.observe(element);
  return () => watcher.disconnect();
}

// A picture of the drawing stands on its own.

/** The colours of the page are names that a picture on its own does not know: on paper they are black and white. */
export function withoutVariables(svg: string): string {
  return svg
    .replace(/var\(--drawing-fill\)/g, '#ffffff')
    .replace(/var\(--drawing-(?:stroke|label)\)/g, '#22242a');
}

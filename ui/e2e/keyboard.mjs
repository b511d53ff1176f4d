// What a person does who has no mouse: Tab to what is wanted, and press keys there. No click, no focus by script.
const LONGEST_WAY = 150;

export function keyboard(page) {
  const keys = page.keyboard;
  const isFocused = (element) => element === document.activeElement || element.contains(document.activeElement);
  // Whatever is drawn anew while one looks is asked again.
  const focused = (locator) => locator.first().evaluate(isFocused, undefined, { timeout: 2000 }).catch(() => false);

  /** Tab, or Shift and Tab where it lies before, until something has the focus. */
  async function tabTo(locator) {
    await locator.first().waitFor({ state: 'attached' });
    const isBefore = (element) => Boolean(document.activeElement.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_PRECEDING);
    const before = await locator.first().evaluate(isBefore);
    for (let count = 0; count < LONGEST_WAY; count += 1) {
      if (await focused(locator)) return;
      await keys.press(before ? 'Shift+Tab' : 'Tab');
    }
    throw new Error(`Tab does not lead to ${locator}`);
  }

  async function press(locator, key = 'Enter') {
    await tabTo(locator);
    await keys.press(key);
  }

  async function type(locator, text) {
    await tabTo(locator);
    await keys.press('Control+a');
    await keys.insertText(text);
  }

  /** To a page or a process by the palette. */
  async function go(words, heading) {
    await keys.press('Control+k');
    await page.locator('[role=combobox][aria-label=Search]:focus').waitFor();
    await keys.insertText(words);
    await page.getByRole('option').first().waitFor();
    await keys.press('Enter');
    await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
  }

  /** To a tab: the list of tabs is one stop, arrows lead from tab to tab. */
  async function tab(name) {
    const wanted = page.getByRole('tab', { name, exact: true });
    await wanted.waitFor();
    await tabTo(page.getByRole('tab', { selected: true }));
    for (let count = 0; count < 12 && (await wanted.getAttribute('aria-selected')) !== 'true'; count += 1) await keys.press('ArrowRight');
    await page.getByRole('tab', { name, exact: true, selected: true }).waitFor();
  }

  /** Choose from the menu of a button: arrows lead from entry to entry. */
  async function choose(button, name) {
    await press(button);
    const wanted = page.getByRole('menuitem', { name, exact: true });
    await wanted.waitFor();
    for (let count = 0; count < 12 && !(await focused(wanted)); count += 1) await keys.press('ArrowDown');
    await press(wanted);
  }

  return { keys, tabTo, press, type, go, tab, choose };
}

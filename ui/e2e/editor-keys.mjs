// The same life by keyboard alone: no click, no focus by script. Whatever is reached is reached with Tab and keys.
import { EMAIL, launch, must, PASSWORD, url, watched } from './browser.mjs';
import { drawn } from './editing.mjs';

const browser = await launch();
const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
const { page, faults } = await watched(context);
const told = (text) => console.log(`ok: ${text}`);
const keys = page.keyboard;

const focused = (locator) => locator.first().evaluate((element) => element === document.activeElement || element.contains(document.activeElement)).catch(() => false);

/** Tab until something has the focus. */
async function tabTo(locator, back = false) {
  await locator.first().waitFor();
  for (let count = 0; count < 150; count += 1) {
    if (await focused(locator)) return;
    await keys.press(back ? 'Shift+Tab' : 'Tab');
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
  await keys.type(text);
}

const button = (name, exact = true) => page.getByRole('button', { name, exact });
const dialog = page.getByRole('dialog');
const finding = (code) => page.locator('.segue-finding', { hasText: code });

/** Start an instance from the page of the process; the version that it runs on. */
async function started() {
  await press(button('Start'));
  await tabTo(dialog.getByLabel('Body'));
  await keys.press('Control+a');
  await keys.insertText('{"amount": 150}');
  await press(dialog.getByRole('button', { name: 'Start', exact: true }));
  const link = dialog.getByRole('link', { name: 'Open the instance' });
  await press(link);
  await page.getByText('Finished', { exact: true }).first().waitFor();
  return (await (await page.request.get(page.url().replace('/instance/', '/api/v1/instances/').replace(/\?.*/, ''))).json()).version;
}

/** To a page by the palette. */
async function go(words, heading) {
  await keys.press('Control+k');
  await page.getByRole('combobox', { name: 'Search' }).waitFor();
  await keys.type(words);
  await page.getByRole('option').first().waitFor();
  await keys.press('Enter');
  await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
}

try {
  await page.goto(`${url}/`);
  await type(page.getByLabel('E-mail'), EMAIL);
  await type(page.getByRole('textbox', { name: 'Password' }), PASSWORD);
  await keys.press('Enter');
  await page.getByRole('heading', { name: 'Home', level: 1 }).waitFor();
  await go('processes', 'Processes');
  const chooser = page.waitForEvent('filechooser');
  await press(button('Upload a file'));
  await (await chooser).setFiles(process.env.FOREIGN_FILE);
  await type(dialog.getByLabel('Process', { exact: false }), 'bykeys');
  await keys.press('Escape'); // the suggestions
  if (!(await dialog.count())) throw new Error('Escape closed the dialog');
  await press(dialog.getByRole('button', { name: 'Make the draft' }));
  await press(dialog.getByRole('link', { name: 'Open in the editor' }));
  await drawn(page);
  await finding('no-action').first().waitFor();
  told('imported by keyboard');

  for (let left = await finding('no-action').count(); left > 0; left -= 1) {
    await press(finding('no-action'));
    // The finding leads to the field that puts it right.
    await page.locator('#segue-panel :focus').waitFor();
    await keys.type(left === 4 ? 'check' : 'book');
    await page.getByRole('option').first().waitFor();
    await keys.press('ArrowDown');
    await keys.press('Enter');
    await page.getByText('The worker offers it now.').waitFor();
    await finding('no-action').nth(left - 1).waitFor({ state: 'detached' });
  }
  told('actions assigned by keyboard');
  for (const [left, text] of [[3, 'amount > 100'], [2, 'amount < 10']]) {
    await press(finding('branch-without-condition'));
    await type(page.locator('#segue-panel').getByRole('textbox', { name: 'Condition', exact: true }), text);
    await keys.press('Enter');
    await page.locator('#segue-panel').getByText('Can be used.').waitFor();
    await finding('branch-without-condition').nth(left - 1).waitFor({ state: 'detached' });
  }
  await press(finding('branch-without-condition'));
  await press(page.locator('#segue-panel').getByRole('switch', { name: /Otherwise/ }), 'Space');
  await page.getByText('It can be published.').waitFor();
  told('conditions written by keyboard');
  await publish('by keys');
  await press(button('Enable'));
  await press(dialog.getByRole('button', { name: 'Enable', exact: true }));
  await page.getByText('Enabled', { exact: true }).first().waitFor();
  must((await started()) === 1, 'not started on version 1');
  told('published, enabled and started by keyboard');

  await go('bykeys', 'bykeys');
  await press(page.getByRole('link', { name: 'Edit', exact: true }));
  await drawn(page);
  await tabTo(page.locator('.segue-canvas .djs-container svg'));
  await keys.press('.');
  await keys.press('Alt+ArrowRight');
  await keys.press('Alt+ArrowRight');
  await keys.press('a');
  await page.locator('.djs-popup input').waitFor();
  await keys.type('wait');
  await page.locator('.djs-popup .entry.selected', { hasText: 'Wait' }).waitFor();
  await keys.press('Enter');
  await page.getByRole('tab', { name: 'Wait' }).waitFor();
  await keys.press('Enter');
  await page.locator('#segue-panel :focus').waitFor();
  await keys.press('Control+a');
  await keys.type('Rest a while');
  await tabTo(page.locator('#segue-panel').getByLabel('How long'));
  await keys.type('1');
  await keys.press('Escape');
  await page.getByText('Draft v2 saved').waitFor();
  told('a node appended, named and set by keyboard');
  await keys.press('Control+z');
  await keys.press('Control+y');
  await page.getByText('It can be published.').waitFor();
  await publish('with a rest');
  await page.locator('.segue-pair[data-ready=true]').waitFor();
  must((await page.locator('.segue-added.djs-shape').count()) > 0, 'nothing new is painted');
  await press(page.getByRole('region', { name: /^added: Rest a while/ }).getByRole('button'));
  await page.locator('.segue-chosen').first().waitFor();
  told('compared by keyboard');
  await switchTo(2);
  must((await started()) === 2, 'not started on version 2');
  await go('bykeys', 'bykeys');
  await press(page.getByRole('tab', { name: 'Diagram' }), 'End');
  if (!(await page.getByRole('tab', { name: 'Versions', selected: true }).count())) await press(page.getByRole('tab', { name: 'Versions' }));
  await switchTo(1);
  must((await started()) === 1, 'not started on version 1 again');
  told('switched and switched back by keyboard');
  must(faults.length === 0, `faults of the pages:\n${faults.join('\n')}`);
} catch (error) {
  if (process.env.PICTURE) await page.screenshot({ path: process.env.PICTURE }).catch(() => undefined);
  console.error(`${error.message}\nat ${page.url()}\n${faults.join('\n')}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}

async function publish(note) {
  await press(button('Publish…'));
  await type(dialog.getByLabel('Note'), note);
  await press(dialog.getByRole('button', { name: 'Publish', exact: true }));
  await page.getByRole('tab', { name: 'Versions', selected: true }).waitFor();
  await page.getByText(note).first().waitFor();
}

async function switchTo(version) {
  const card = page.getByRole('region', { name: `Version ${version}`, exact: true });
  await card.getByRole('button', { name: 'Switch to it' }).or(card.getByRole('button', { name: `Actions v${version}` })).first().waitFor();
  await press(card.getByRole('button', { name: 'Switch to it' }));
  await press(dialog.getByRole('button', { name: 'Switch to it' }));
  await dialog.waitFor({ state: 'hidden' });
  await card.getByText('Takes new work').waitFor();
}

// The whole life of a process by keyboard alone: no click, no focus by script, no address typed but the first link.
import { EMAIL, launch, must, PASSWORD, url, watched } from './browser.mjs';
import { drawn } from './editing.mjs';
import { keyboard } from './keyboard.mjs';

const browser = await launch();
const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
const { page, faults } = await watched(context, { tour: true });
const { keys, tabTo, press, type, go, tab, choose } = keyboard(page);
const told = (text) => console.log(`ok: ${text}`);

const button = (name) => page.getByRole('button', { name, exact: true });
const dialog = page.locator('[role=dialog]:not(.tour)'); // the tour may come beside it
const panel = page.locator('#segue-panel');
const finding = (code) => page.locator('.segue-finding', { hasText: code });
const said = (text) => page.getByText(text, { exact: true }).first();

async function signIn() {
  await page.goto(process.env.FIRST_LINK);
  await type(page.getByLabel('E-mail'), EMAIL);
  await type(page.getByRole('textbox', { name: 'Password' }), PASSWORD);
  await keys.press('Enter');
  await page.getByRole('heading', { name: 'Home', level: 1 }).waitFor();
  await choose(button(EMAIL), 'Sign out');
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await type(page.getByLabel('E-mail'), EMAIL);
  await type(page.getByRole('textbox', { name: 'Password' }), PASSWORD);
  await keys.press('Enter');
  await page.getByRole('heading', { name: 'Home', level: 1 }).waitFor();
}

async function addWorker() {
  await go('workers', 'Workers');
  await press(button('Add a worker'));
  await type(dialog.getByLabel('Name'), 'office');
  await type(dialog.getByLabel('Address'), process.env.WORKER_URL);
  await press(dialog.getByRole('button', { name: 'Save' }));
  await page.getByText('Answers').first().waitFor();
}

/** Shown by itself when there is a process to look at and nobody is at something else; once. */
async function lookAround() {
  const tour = page.getByRole('dialog', { name: 'A look around' });
  for (const [title, heading] of [
    ['This is Home', 'Home'],
    ['Processes', 'Processes'],
    ['The diagram is live', 'bykeys'],
    ['Where is order 4274?', 'Instances'],
    ['What failed', 'Trash'],
  ]) {
    await tour.getByRole('heading', { name: title }).waitFor();
    if (title !== 'This is Home') await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
    await press(tour.getByRole('button', { name: 'Next' }));
  }
  await press(tour.getByRole('button', { name: 'Done' }));
  await tour.waitFor({ state: 'hidden' });
  must(await page.evaluate(() => localStorage.getItem('segue.tour') !== null), 'the tour would come again');
}

async function importFile() {
  await go('processes', 'Processes');
  const chooser = page.waitForEvent('filechooser');
  await press(button('Upload a file'));
  await (await chooser).setFiles(process.env.FOREIGN_FILE);
  await type(dialog.getByLabel('Process', { exact: false }), 'bykeys');
  await keys.press('Escape'); // the suggestions
  must(await dialog.count(), 'Escape closed the dialog');
  await press(dialog.getByRole('button', { name: 'Make the draft' }));
  await dialog.getByRole('link', { name: 'Open in the editor' }).waitFor();
  await keys.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  await go('home', 'Home');
  await lookAround();
  await go('bykeys', 'bykeys');
  await press(page.getByRole('link', { name: 'Edit', exact: true }));
  await drawn(page);
  await finding('no-action').first().waitFor();
}

/** Each finding leads to the field that puts it right. */
async function assignActions() {
  for (let left = await finding('no-action').count(); left > 0; left -= 1) {
    await press(finding('no-action'));
    await panel.locator(':focus').waitFor();
    await keys.type(left === 4 ? 'check' : 'book');
    await page.getByRole('option').first().waitFor();
    await keys.press('ArrowDown');
    await keys.press('Enter');
    await page.getByText('The worker offers it now.').waitFor();
    await finding('no-action').nth(left - 1).waitFor({ state: 'detached' });
  }
}

async function writeConditions() {
  for (const [left, text] of [
    [3, 'amount > 100'],
    [2, 'amount < 10'],
  ]) {
    await press(finding('branch-without-condition'));
    await type(panel.getByRole('textbox', { name: 'Condition', exact: true }), text);
    await keys.press('Enter');
    await panel.getByText('Can be used.').waitFor();
    await finding('branch-without-condition').nth(left - 1).waitFor({ state: 'detached' });
  }
  await press(finding('branch-without-condition'));
  await press(panel.getByRole('switch', { name: /Otherwise/ }), 'Space');
  await page.getByText('It can be published.').waitFor();
}

async function publish(note) {
  await press(button('Publish…'));
  await type(dialog.getByLabel('Note'), note);
  await press(dialog.getByRole('button', { name: 'Publish', exact: true }));
  await page.getByRole('tab', { name: 'Versions', selected: true }).waitFor();
  await page.getByText(note).first().waitFor();
}

/** Start an instance from the page of the process, and stay there. */
async function start(body) {
  await press(button('Start'));
  await type(dialog.getByLabel('Body'), JSON.stringify(body));
  await press(dialog.getByRole('button', { name: 'Start', exact: true }));
  await dialog.getByRole('link', { name: 'Open the instance' }).waitFor();
}

/** Start one, follow it to its end; the version that it ran on. */
async function startedOn() {
  await start({ amount: 150 });
  await press(dialog.getByRole('link', { name: 'Open the instance' }));
  await said('Finished').waitFor();
  const version = await page.getByText(/^bykeys v\d$/).first().textContent();
  await go('bykeys', 'bykeys');
  return version;
}

/** Two that fail: the diagram counts them as they do. One is corrected and sent back, the other discarded. */
async function failAndCorrect() {
  for (const count of ['1', '2']) {
    await start({ amount: 'many', customer: 'C-17' });
    await keys.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await page.locator('.diagram .count.trash').getByText(count, { exact: true }).waitFor();
  }
  told('failures are seen on the diagram as they happen');
  await tab('Trash');
  await press(button('Open'));
  await dialog.getByText('is no number').waitFor();
  await type(dialog.getByLabel('Body'), '{"amount": 2000, "customer": "C-18"}');
  await press(dialog.getByRole('button', { name: 'Save and send back' }));
  await dialog.waitFor({ state: 'hidden' });
  await press(button('Discard all'));
  await press(dialog.getByRole('button', { name: 'Discard all' }));
  await page.getByText('Nothing is in trash').waitFor();
  told('one is corrected and sent back, the other discarded');
}

async function edit() {
  await press(page.getByRole('link', { name: 'Edit', exact: true }));
  await drawn(page);
  await tabTo(page.locator('.segue-canvas .djs-container svg'));
  for (const key of ['.', 'Alt+ArrowRight', 'Alt+ArrowRight', 'a']) await keys.press(key);
  await page.locator('.djs-popup input').waitFor();
  await keys.type('wait');
  await page.locator('.djs-popup .entry.selected', { hasText: 'Wait' }).waitFor();
  await keys.press('Enter');
  await page.getByRole('tab', { name: 'Wait' }).waitFor();
  await press(page.locator('.segue-canvas .djs-container svg'));
  await panel.locator(':focus').waitFor();
  await type(panel.getByLabel('Name', { exact: true }), 'Rest a while');
  await type(panel.getByLabel('How long'), '1');
  await keys.press('Escape');
  await page.getByText('Draft v2 saved').waitFor();
  await keys.press('Control+z');
  await keys.press('Control+y');
  await page.getByText('It can be published.').waitFor();
}

async function switchTo(version) {
  const card = page.getByRole('region', { name: `Version ${version}`, exact: true });
  await press(card.getByRole('button', { name: 'Switch to it' }));
  await press(dialog.getByRole('button', { name: 'Switch to it' }));
  await dialog.waitFor({ state: 'hidden' });
  await card.getByText('Takes new work').waitFor();
}

async function life() {
  await signIn();
  told('the first administrator is made by the link, signs out and in');
  await addWorker();
  await importFile();
  told('a file drawn elsewhere is imported; the tour leads around');
  await assignActions();
  told('actions are assigned');
  await writeConditions();
  told('conditions are written');
  await publish('by keys');
  await tab('Diagram');
  await press(button('Test'));
  await page.getByText('Every worker and action answers.').waitFor();
  told('it is tested: every worker and action answers');
  await tab('Versions');
  await press(button('Enable'));
  await press(dialog.getByRole('button', { name: 'Enable', exact: true }));
  await said('Enabled').waitFor();
  await tab('Diagram');
  must((await startedOn()) === 'bykeys v1', 'not started on version 1');
  told('it is published, enabled and started');
  await failAndCorrect();

  await edit();
  told('a node is appended, named and set; undone and done again');
  await publish('with a rest');
  await said('Disabled').waitFor();
  await page.locator('.segue-pair[data-ready=true]').waitFor();
  must((await page.locator('.segue-added.djs-shape').count()) > 0, 'nothing new is painted');
  await press(page.getByRole('region', { name: /^added: Rest a while/ }).getByRole('button'));
  await page.locator('.segue-chosen').first().waitFor();
  told('the new version is disabled, and compared with the one before');
  await switchTo(2);
  must((await startedOn()) === 'bykeys v2', 'not started on version 2');
  await tab('Versions');
  await switchTo(1);
  must((await startedOn()) === 'bykeys v1', 'not started on version 1 again');
  told('it is switched, and switched back');

  await go('instances', 'Instances');
  await type(page.getByLabel('Search what messages hold'), 'body.customer=C-18');
  await keys.press('Enter');
  const found = page.getByRole('region', { name: 'Instances' }).getByRole('link');
  await page.waitForURL(/match=/);
  await press(found);
  await said('Finished').waitFor();
  await tab('Waterfall');
  await press(page.getByRole('button', { name: /^Task 1/ }));
  await dialog.getByText('C-18').first().waitFor();
  told('the instance is found by what its message holds, and its first step looked at');
}

try {
  await life();
  must(faults.length === 0, `faults of the pages:\n${faults.join('\n')}`);
  told('no script failed, the policy refused nothing, no third party was asked');
} catch (error) {
  if (process.env.PICTURE) await page.screenshot({ path: process.env.PICTURE }).catch(() => undefined);
  console.error(`${error.stack}\nat ${page.url()}\n${faults.join('\n')}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}

// What the scripts about the editor do with the mouse.
import { must, url } from './browser.mjs';

export async function drawn(page) {
  await page.locator('.segue-canvas[data-ready=true]').waitFor();
}

const todoItems = (page) => page.getByRole('region', { name: 'Findings' }).locator('.segue-finding');

/** Upload a file of another tool; how many things the editor's to-do list names. */
export async function importFile(page, name) {
  await page.goto(`${url}/processes`);
  await page.locator('input[type=file]').setInputFiles(process.env.FOREIGN_FILE);
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Process', { exact: false }).first().fill(name);
  await dialog.getByRole('button', { name: 'Make the draft' }).click();
  await dialog.getByRole('link', { name: 'Open in the editor' }).click();
  await drawn(page);
  await todoItems(page).first().waitFor();
  return todoItems(page).count();
}

/** Every finding about a missing action leads to its node, where an action is chosen by its name. */
export async function assignAll(page) {
  const missing = page.locator('.segue-finding', { hasText: 'no-action' });
  for (let left = await missing.count(); left > 0; left -= 1) {
    await missing.first().click();
    const field = page.locator('#segue-panel').getByRole('textbox', { name: 'Action', exact: true }).or(page.locator('#segue-panel').getByRole('combobox', { name: 'Action', exact: true }));
    await field.first().click();
    await field.first().fill(left === 4 ? 'check' : 'book');
    await page.getByRole('option', { name: left === 4 ? /check/i : /book/i }).first().click();
    await page.getByText('The worker offers it now.').waitFor();
    await missing.nth(left - 1).waitFor({ state: 'detached' });
  }
}

export async function conditions(page) {
  await page.locator('.segue-finding', { hasText: 'branch-without-condition' }).first().click();
  const panel = page.locator('#segue-panel');
  await panel.getByLabel('Sample message').fill('{"amount": 150, "customer": "C-17"}');
  const condition = panel.getByRole('textbox', { name: 'Condition', exact: true });
  await condition.fill('amo');
  await page.getByRole('option', { name: /amount/ }).first().click();
  must((await condition.inputValue()) === 'amount', `completed to ${await condition.inputValue()}`);
  await condition.pressSequentially(' >');
  await panel.getByText('is no CEL').waitFor();
  await condition.pressSequentially(' 100');
  await panel.getByText('True for the sample').waitFor();
  await condition.press('Enter');
  const missing = page.locator('.segue-finding', { hasText: 'branch-without-condition' });
  await missing.nth(2).waitFor({ state: 'detached' });
  // The gateway shows all of its branches; the last one is what is taken otherwise.
  await missing.first().click();
  await condition.fill('amount < 10');
  await condition.press('Enter');
  await missing.nth(1).waitFor({ state: 'detached' });
  await missing.first().click();
  await panel.getByRole('switch', { name: /Otherwise/ }).click();
  await page.getByText('It can be published.').waitFor();
}

export async function publish(page, note) {
  await page.getByRole('button', { name: 'Publish…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Note').fill(note);
  await dialog.getByRole('button', { name: 'Publish', exact: true }).click();
  await page.getByRole('tab', { name: 'Versions', selected: true }).waitFor();
  await page.getByText(note).first().waitFor();
}

/** Append an action by the pad beside a node. */
export async function addNode(page, name) {
  await page.locator('.djs-element[data-element-id]', { hasText: name }).first().click();
  await page.locator('.djs-context-pad [data-action="append.search"]').click();
  await page.locator('.djs-popup input').fill('book');
  await page.locator('.djs-popup .entry', { hasText: 'Book' }).first().click();
  await page.getByText('office / book: The worker offers it now.').waitFor();
}

export async function switchTo(page, version, sentence) {
  const card = page.getByRole('region', { name: `Version ${version}`, exact: true });
  await card.getByRole('button', { name: 'Switch to it' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText(sentence).waitFor();
  await dialog.getByRole('button', { name: 'Switch to it' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await card.getByText('Takes new work').waitFor();
}

/** What watches an activity, what a process calls and what it waits for is set in the panel and stands in the file. */
export async function newerKinds(page) {
  const panel = page.locator('#segue-panel');
  const make = async (key, words, label) => {
    await page.keyboard.press(key);
    await page.locator('.djs-popup input').fill(words);
    await page.locator('.djs-popup .entry', { hasText: label }).first().click();
  };
  await panel.getByRole('tab', { name: 'Watch' }).click();
  await panel.getByRole('button', { name: 'After a time' }).click();
  await panel.getByRole('tab', { name: 'When' }).waitFor();
  await panel.getByRole('switch', { name: /Ends the activity/ }).click();
  await panel.getByLabel('How long', { exact: true }).fill('5');
  await page.locator('.djs-element[data-element-id]', { hasText: 'Task 3' }).first().click();
  await make('a', 'call', 'Call a process');
  await panel.getByRole('tab', { name: 'Process' }).click();
  await panel.locator('input').and(panel.getByLabel('Process', { exact: true })).fill('elsewhere');
  await panel.getByLabel('Into the field').fill('result');
  await panel.getByLabel('Into the field').press('Enter');
  await page.locator('.djs-element[data-element-id]', { hasText: 'Task 3' }).first().click();
  await make('a', 'message', 'waits for a message from outside');
  await panel.getByRole('tab', { name: 'Message' }).click();
  await panel.getByLabel('Name of the message').fill('paid');
  await panel.getByLabel('Key', { exact: true }).fill('body.order');
  await panel.getByLabel('Key', { exact: true }).press('Enter');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Draft v1 saved').first().waitFor();
  const file = await (await page.request.get(`${url}/api/v1/processes/other/versions/1/bpmn`)).text();
  for (const part of [/<bpmn:boundaryEvent [^>]*cancelActivity="false"/, /PT5S|PT5M/, /<segue:call process="elsewhere" into="result" \/>/, /<segue:message key="body.order" \/>/, /<bpmn:message [^>]*name="paid"/]) {
    must(part.test(file), `${part} is not in the file:\n${file}`);
  }
  const nodes = await (await page.request.get(`${url}/api/v1/processes/other/versions/1/findings`)).json();
  must(!JSON.stringify(nodes).includes('bad-setting'), `the server knows a setting not: ${JSON.stringify(nodes)}`);
}

// The whole life of a process by mouse: a file drawn elsewhere is imported, actions are assigned, conditions written, it
// is tested, published, enabled, started, watched, its failure corrected, it is edited, compared, switched and switched
// back, its instance found; then what must not be lost: work of two at once, pictures, copies, work that was left.
import { addWorker, launch, must, setUp, start, step, url, watched } from './browser.mjs';
import { addNode, assignAll, conditions, drawn, importFile, newerKinds, publish, switchTo } from './editing.mjs';

const browser = await launch();
const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, acceptDownloads: true });
const { page, faults } = await watched(context);
const told = (text) => console.log(`ok: ${text}`);

/** Start an instance from the page of the process and follow it to its end; the version that it ran on. */
async function run(page, body) {
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Body').fill(JSON.stringify(body));
  await dialog.getByRole('button', { name: 'Start', exact: true }).click();
  await dialog.getByRole('link', { name: 'Open the instance' }).click();
  await page.getByText('Finished', { exact: true }).first().waitFor();
  return page.getByText(/^elsewhere v\d$/).first().textContent();
}

/** To a process by the menu and the tree of processes. */
async function open(page, name) {
  await page.getByRole('link', { name: 'Processes', exact: true }).click();
  await page.getByRole('main').getByRole('link', { name, exact: true }).click();
  await page.getByRole('heading', { name, level: 1 }).waitFor();
}

async function failAndCorrect(page) {
  await start(page, { amount: 'many', customer: 'C-17' });
  await page.locator('.diagram .count.trash').getByText('1', { exact: true }).waitFor();
  await page.getByRole('tab', { name: 'Trash' }).click();
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  const drawer = page.getByRole('dialog');
  await drawer.getByLabel('Body').fill('{"amount": 2000, "customer": "C-17"}');
  await drawer.getByRole('button', { name: 'Save and send back' }).click();
  await page.getByText('Nothing is in trash').waitFor();
}

async function find(page) {
  await page.getByRole('link', { name: 'Instances', exact: true }).click();
  await page.getByLabel('Search what messages hold').fill('body.customer=C-17');
  await page.getByRole('button', { name: 'Search' }).last().click();
  await page.waitForURL(/match=/);
  const found = page.getByRole('region', { name: 'Instances' }).getByRole('link');
  await found.first().click();
  await page.getByText('Finished', { exact: true }).first().waitFor();
}

/** While the server takes no draft: work that is left, and work in a tab that goes down, is offered again. */
async function leaveAndReturn(page) {
  const drawing = (page, text) => page.locator('.djs-element[data-element-id]', { hasText: text }).first();
  const rename = async (page, text) => {
    await page.locator('.djs-shape[data-element-id=Start]').first().click();
    await page.getByLabel('Name', { exact: true }).fill(text);
  };
  await page.context().route('**/draft?*', (route) => route.abort());
  await rename(page, 'Left by me');
  await page.getByRole('link', { name: 'Back to the process' }).click();
  await page.getByText('Not everything is saved').waitFor();
  await page.getByRole('button', { name: 'Leave' }).click();
  await page.waitForURL(/\/process\/other(\?|$)/);
  await page.getByRole('link', { name: 'Edit', exact: true }).click();
  await page.getByRole('button', { name: 'Take it back' }).click();
  await drawing(page, 'Left by me').waitFor();
  await rename(page, 'In a tab that went down');
  await page.waitForFunction(() => Object.values(localStorage).some((text) => text.includes('In a tab that went down')));
  await page.close();

  const next = await page.context().newPage();
  await next.goto(`${url}/process/other/edit`);
  await next.getByRole('button', { name: 'Take it back' }).click();
  await drawing(next, 'In a tab that went down').waitFor();
  await next.context().unroute('**/draft?*');
  await next.getByRole('button', { name: 'Save', exact: true }).click();
  await next.getByText('Draft v1 saved').first().waitFor();
  await next.close();
}

try {
  await setUp(page);
  await addWorker(page);
  const todo = await importFile(page, 'elsewhere');
  must(todo >= 7, `the to-do list names ${todo} things`);
  told('a file drawn elsewhere is imported, with a to-do list');
  await assignAll(page);
  told('actions are assigned from what the worker offers now');
  await conditions(page);
  told('conditions are written with completion, checked, and tried on a sample');
  await publish(page, 'first');
  await page.getByRole('tab', { name: 'Diagram' }).click();
  await page.getByRole('button', { name: 'Test', exact: true }).click();
  await page.getByText('Every worker and action answers.').waitFor();
  told('it is published and tested');
  await page.getByRole('tab', { name: 'Versions' }).click();
  await step(page, 'Enable');
  await page.getByRole('tab', { name: 'Diagram' }).click();
  await run(page, { amount: 150 });
  told('it is enabled, and a started instance finishes');
  await open(page, 'elsewhere');
  await failAndCorrect(page);
  told('a failure is counted on the diagram as it happens, corrected and sent back');

  await page.getByRole('link', { name: 'Edit', exact: true }).click();
  await drawn(page);
  await addNode(page, 'Task 2');
  await page.getByText('Draft v2 saved').waitFor();
  told('an action is appended by its name, and the draft saves itself');

  // Somebody else saves the draft meanwhile.
  const csrf = (await (await page.request.get(`${url}/api/v1/session`)).json()).csrf;
  const theirs = await (await page.request.get(`${url}/api/v1/processes/elsewhere/versions/1/bpmn`)).text();
  const put = await page.request.put(`${url}/api/v1/processes/elsewhere/draft?note=theirs`, {
    headers: { 'X-CSRF-Token': csrf, 'Content-Type': 'application/xml' },
    data: theirs.replace('Task 3', 'Task of somebody else'),
  });
  must(put.ok(), `putting a draft: ${put.status()}`);
  await page.locator('.djs-element[data-element-id]', { hasText: 'Task 4' }).first().click();
  await page.getByLabel('Name', { exact: true }).fill('Task 4, renamed');
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Somebody else changed it').waitFor();
  await dialog.locator('.segue-pair[data-ready=true]').waitFor();
  must((await dialog.locator('.segue-changed.djs-shape').count()) > 0, 'what differs is not painted');
  await dialog.getByRole('button', { name: 'Task 4, renamed: differs' }).waitFor();
  await dialog.getByRole('button', { name: 'Keep mine' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await page.getByText('Draft v2 saved').waitFor();
  const kept = await (await page.request.get(`${url}/api/v1/processes/elsewhere/versions/2/bpmn`)).text();
  must(kept.includes('Task 4, renamed') && !kept.includes('somebody else'), 'the conflict was not decided as chosen');
  told('a draft that changed meanwhile asks instead of being overwritten');

  await page.getByRole('button', { name: 'Export', exact: true }).click();
  const download = page.waitForEvent('download');
  await page.getByRole('menuitem', { name: 'SVG picture' }).click();
  must((await download).suggestedFilename() === 'elsewhere.svg', 'no picture was downloaded');
  const png = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export', exact: true }).click();
  await page.getByRole('menuitem', { name: 'PNG picture' }).click();
  must((await png).suggestedFilename() === 'elsewhere.png', 'no picture was downloaded');
  told('pictures of the drawing are downloaded');

  await publish(page, 'with one action more');
  await page.getByText('Disabled', { exact: true }).first().waitFor();
  await page.locator('.segue-pair[data-ready=true]').waitFor();
  must((await page.locator('.segue-added.djs-shape').count()) > 0, 'nothing new is painted on the drawing');
  must((await page.locator('.segue-changed').count()) > 0, 'nothing changed is painted on the drawing');
  await page.getByText('Task 4, renamed').first().waitFor();
  told('the new version is disabled, and what differs is painted and listed');

  await switchTo(page, 2, 'New starts go to version 2 from now on, no longer to version 1.');
  must((await run(page, { amount: 5 })) === 'elsewhere v2', 'not on version 2');
  await open(page, 'elsewhere');
  await page.getByRole('tab', { name: 'Versions' }).click();
  await switchTo(page, 1, 'New starts go to version 1 from now on, no longer to version 2.');
  must((await run(page, { amount: 5 })) === 'elsewhere v1', 'not on version 1');
  told('switched, and switched back');
  await find(page);
  told('the instance is found by what its message holds');

  // Copied here, pasted in another process; unsaved work asks before one leaves.
  await page.goto(`${url}/process/elsewhere/edit?version=2`);
  await drawn(page);
  await page.locator('.djs-element[data-element-id]', { hasText: 'Task 3' }).first().click();
  await page.keyboard.press('Control+c');
  await page.request.post(`${url}/api/v1/processes`, { headers: { 'X-CSRF-Token': csrf }, data: { name: 'other' } });
  await page.goto(`${url}/process/other/edit`);
  await drawn(page);
  await page.locator('.segue-canvas svg').first().click({ position: { x: 500, y: 400 } });
  await page.keyboard.press('Control+v');
  await page.locator('.djs-element[data-element-id]', { hasText: 'Task 3' }).first().waitFor();
  await page.getByText('office / book: The worker offers it now.').waitFor();
  told('a node copied in one process is pasted in another with its action');
  await newerKinds(page);
  told('what watches, is called and is waited for is set in the panel and stands in the file');
  await leaveAndReturn(page);
  told('leaving with unsaved work asks, and what was left is offered again; so is what was in a tab that crashed');
  must(faults.length === 0, `faults of the pages:\n${faults.join('\n')}`);
  told('no script failed, the policy refused nothing, no third party was asked');
} catch (error) {
  if (process.env.PICTURE) await page.screenshot({ path: process.env.PICTURE }).catch(() => undefined);
  console.error(`${error.message}\nat ${page.url()}\n${faults.join('\n')}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}

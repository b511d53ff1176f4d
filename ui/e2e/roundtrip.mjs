// Opens each file in the editor's modeler and saves it; writes what was saved and what bpmn-js said, one JSON a line.
// FILES names a JSON file: [{"name": …, "xml": …}, …].
import { readFileSync } from 'node:fs';

import { launch } from './browser.mjs';
import { modelerScript } from './bundle.mjs';

const files = JSON.parse(readFileSync(process.env.FILES, 'utf8'));
const browser = await launch();
try {
  const page = await browser.newPage();
  await page.setContent('<div id="canvas" style="height:700px"></div>');
  await page.addScriptTag({ content: await modelerScript() });
  for (const { name, xml } of files) {
    const result = await page.evaluate(async (source) => {
      const made = segue.createModeler(document.getElementById('canvas'), { list: [] });
      try {
        const { lost, said } = await segue.openIn(made, source);
        const elements = made.get('elementRegistry').getAll().length;
        return { saved: await segue.xmlOf(made), lost, said, elements };
      } catch (error) {
        return { failed: String(error.message ?? error) };
      } finally {
        made.destroy();
      }
    }, xml);
    console.log(JSON.stringify({ name, ...result }));
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await browser.close();
}

// How smoothly a diagram is dragged in the editor's modeler: one JSON object a line. NODES says how large it is.
import { launch } from './browser.mjs';
import { modelerScript } from './bundle.mjs';

const NODES = Number(process.env.NODES ?? 500);
const WIDE = 25;

function diagram(count) {
  const nodes = [];
  const shapes = [];
  const flows = [];
  const edges = [];
  for (let n = 0; n < count; n += 1) {
    const [x, y] = [150 * (n % WIDE), 130 * Math.floor(n / WIDE)];
    nodes.push(`<bpmn:serviceTask id="t${n}" name="Task ${n}"><bpmn:extensionElements><segue:action kind="custom" worker="w" name="a${n}"/></bpmn:extensionElements></bpmn:serviceTask>`);
    shapes.push(`<bpmndi:BPMNShape id="s${n}" bpmnElement="t${n}"><dc:Bounds x="${x}" y="${y}" width="100" height="80"/></bpmndi:BPMNShape>`);
    if (n % WIDE === 0) continue;
    flows.push(`<bpmn:sequenceFlow id="f${n}" sourceRef="t${n - 1}" targetRef="t${n}"/>`);
    edges.push(`<bpmndi:BPMNEdge id="e${n}" bpmnElement="f${n}"><di:waypoint x="${x - 50}" y="${y + 40}"/><di:waypoint x="${x}" y="${y + 40}"/></bpmndi:BPMNEdge>`);
  }
  return `<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" xmlns:di="http://www.omg.org/spec/DD/20100524/DI" xmlns:segue="https://segue.dev/bpmn/1" id="d"><bpmn:process id="p" isExecutable="true">${nodes.join('')}${flows.join('')}</bpmn:process><bpmndi:BPMNDiagram id="dia"><bpmndi:BPMNPlane id="pl" bpmnElement="p">${shapes.join('')}${edges.join('')}</bpmndi:BPMNPlane></bpmndi:BPMNDiagram></bpmn:definitions>`;
}

const browser = await launch();
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.setContent('<style>body{margin:0}#canvas{height:900px}.djs-container svg{outline:0}</style><div id="canvas"></div>');
  await page.addScriptTag({ content: await modelerScript() });
  const opened = await page.evaluate(async (xml) => {
    const begun = performance.now();
    window.made = segue.createModeler(document.getElementById('canvas'), { list: [] });
    await segue.openIn(window.made, xml);
    window.made.get('canvas').zoom('fit-viewport', 'auto');
    return performance.now() - begun;
  }, diagram(NODES));

  /** Frames between the first and the last move of the mouse. */
  const measured = async (scenario, from, press) => {
    await page.evaluate(() => {
      window.frames_ = [];
      window.counting = true;
      const tick = (at) => {
        window.frames_.push(at);
        if (window.counting) requestAnimationFrame(tick);
      };
      requestAnimationFrame(tick);
    });
    await page.mouse.move(from.x, from.y);
    await press();
    const begun = Date.now();
    for (let at = 0; Date.now() - begun < 4000; at += 1) await page.mouse.move(from.x + 4 * (at % 60), from.y + 2 * (at % 60));
    const stamps = await page.evaluate(() => {
      window.counting = false;
      return window.frames_;
    });
    await page.mouse.up();
    const gaps = stamps.slice(1).map((stamp, index) => stamp - stamps[index]).sort((a, b) => a - b);
    const rate = 1000 / (gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length);
    const at = (share) => Number(gaps[Math.min(gaps.length - 1, Math.floor(gaps.length * share))].toFixed(1));
    console.log(JSON.stringify({ scenario, n: NODES, rate_per_s: Number(rate.toFixed(1)), p50_ms: at(0.5), p99_ms: at(0.99), opened_ms: Math.round(opened) }));
  };
  const centre = async (id) => {
    const box = await page.locator(`[data-element-id=${id}] .djs-visual`).first().boundingBox();
    return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  };
  await measured('editor-drag-node', await centre(`t${Math.floor(NODES / 2)}`), () => page.mouse.down());
  await page.evaluate(() => window.made.get('commandStack').undo());
  await page.evaluate(() => window.made.get('selection').select(null));
  await measured('editor-drag-canvas', { x: 20, y: 880 }, () => page.mouse.down());
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await browser.close();
}

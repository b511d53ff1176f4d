// The modeler of bpmn-js with what makes it ours: our extension elements, our kinds of node, a clipboard that reaches
// other processes, the arranging, the map.
import Modeler from 'bpmn-js/lib/Modeler';
import minimap from 'diagram-js-minimap';

import { arrangeModule } from './arrange';
import { badgesModule } from './badges';
import type { ModdleModel } from './bpmn';
import { clipboardModule } from './clipboard';
import { keepModule, keepReferences } from './keep';
import { lossesBetween } from './losses';
import { menusModule, type Offers } from './menus';
import { segueModdle } from './segue';

export type Editor = Modeler;

export interface Opened {
  /** What is not in the file any more when it is saved, or is written otherwise. */
  lost: string[];
  /** What bpmn-js could not make sense of while it drew. */
  said: string[];
}

export function createModeler(container: HTMLElement, offers: Offers): Editor {
  return new Modeler({
    container,
    keyboard: { bind: true },
    moddleExtensions: { segue: segueModdle },
    minimap: { open: false },
    bpmnRenderer: {
      defaultFillColor: 'var(--drawing-fill)',
      defaultStrokeColor: 'var(--drawing-stroke)',
      defaultLabelColor: 'var(--drawing-label)',
    },
    additionalModules: [
      minimap,
      menusModule,
      clipboardModule,
      arrangeModule,
      badgesModule,
      keepModule,
      { segueOffers: ['value', offers] },
    ],
  } as ConstructorParameters<typeof Modeler>[0]);
}

/** Open a file that the server has made ready. Throws what bpmn-js says when it cannot be drawn. */
export async function openIn(modeler: Editor, xml: string): Promise<Opened> {
  const { warnings } = await modeler.importXML(xml);
  const others = keepReferences(modeler.get<ModdleModel>('moddle'), warnings as Parameters<typeof keepReferences>[1]);
  return { lost: lossesBetween(xml, await xmlOf(modeler)), said: others.map((each) => each.message ?? String(each)) };
}

export async function xmlOf(modeler: Editor): Promise<string> {
  const { xml } = await modeler.saveXML({ format: true });
  if (xml === undefined) throw new Error('bpmn-js wrote nothing');
  return xml;
}

/** A process with a start, for one that has no version yet. */
export function blank(process: string): string {
  const key = /^[A-Za-z_]/.test(process) ? process.replace(/[^\w.-]/g, '_') : `p_${process.replace(/[^\w.-]/g, '_')}`;
  const escaped = process.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/"/g, '&quot;');
  return `<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" xmlns:di="http://www.omg.org/spec/DD/20100524/DI" xmlns:segue="https://segue.dev/bpmn/1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" id="Definitions_1" targetNamespace="https://segue.dev/processes">
  <bpmn:process id="${key}" name="${escaped}" isExecutable="true">
    <bpmn:startEvent id="Start" name="start" />
  </bpmn:process>
  <bpmndi:BPMNDiagram id="Diagram_1">
    <bpmndi:BPMNPlane id="Plane_1" bpmnElement="${key}">
      <bpmndi:BPMNShape id="Shape_Start" bpmnElement="Start"><dc:Bounds x="180" y="160" width="36" height="36" /></bpmndi:BPMNShape>
    </bpmndi:BPMNPlane>
  </bpmndi:BPMNDiagram>
</bpmn:definitions>`;
}

// What bpmn-js would leave out of a file that it saves: drawings of what it does not draw, and references to what is not
// in the file. Both belong to the standard, so they stay.
import type { Canvas, EventBus, Moddle, ModdleModel, Registry, Shape } from './bpmn';

interface Warning {
  message?: string;
  element?: Moddle;
  property?: string;
  value?: string;
}

const UNRESOLVED = 'https://segue.dev/unresolved';

/** Write references that lead nowhere as they were read. What else bpmn-js warned of is answered. */
export function keepReferences(moddle: ModdleModel, warnings: Warning[]): Warning[] {
  const others: Warning[] = [];
  for (const warning of warnings) {
    const { element, property, value } = warning;
    if (!warning.message?.startsWith('unresolved reference') || !element || !property || value === undefined) {
      others.push(warning);
      continue;
    }
    // Something with that id, which is all that is written of what a reference leads to.
    const stub = moddle.createAny('unresolved:reference', UNRESOLVED, { id: value });
    const there = element.get(property);
    if (Array.isArray(there)) {
      const hole = there.findIndex((each: unknown) => each === undefined || each === null || (each as { id?: unknown }).id === value);
      if (hole >= 0) there[hole] = stub;
      else there.push(stub);
    } else element.set(property, stub);
  }
  return others;
}

/** Orders the drawing as bpmn-js does when it saves, and keeps what it has not drawn. */
class KeepingOrder {
  static $inject = ['eventBus', 'canvas', 'elementRegistry'];

  constructor(eventBus: EventBus, canvas: Canvas & { getRootElements(): Shape[] }, registry: Registry) {
    eventBus.on('saveXML.start', 2000, () => {
      const drawn = new Set(registry.getAll().map((each) => each.di));
      for (const root of canvas.getRootElements()) {
        const plane = root.di;
        const before = plane?.get('planeElement') as Moddle[] | undefined;
        if (!before) continue;
        const wanted = below(root).map((each) => each.di);
        const kept = before.filter((each) => !drawn.has(each));
        plane.set('planeElement', [...wanted, ...kept]);
      }
    });
  }
}

function below(element: Shape): Shape[] {
  const found: Shape[] = [];
  for (const child of element.children ?? []) {
    if (!child.labelTarget) found.push(child);
    found.push(...below(child));
  }
  return found;
}

export const keepModule = { bpmnDiOrdering: ['type', KeepingOrder] };

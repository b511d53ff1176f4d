// Puts every node and flow where the server would draw them, as one step that can be undone.
import type { CommandStack, Modeling, ModdleModel, Moddle, Registry, Shape } from './bpmn';

type Services = { get<T>(name: string): T };
type Point = { x: number; y: number };

export interface Places {
  bounds: Map<string, Point & { width: number; height: number }>;
  points: Map<string, Point[]>;
}

/** Where a drawn file puts its nodes and flows. */
export async function placesOf(moddle: ModdleModel, xml: string): Promise<Places> {
  const { rootElement } = await moddle.fromXML(xml);
  const found: Places = { bounds: new Map(), points: new Map() };
  for (const diagram of (rootElement.get('diagrams') as Moddle[] | undefined) ?? []) {
    const plane = diagram.get('plane') as Moddle;
    for (const item of (plane.get('planeElement') as Moddle[] | undefined) ?? []) {
      const id = (item.get('bpmnElement') as Moddle | undefined)?.id;
      if (id === undefined) continue;
      const bounds = item.get('bounds') as Moddle | undefined;
      const points = item.get('waypoint') as Moddle[] | undefined;
      if (bounds) found.bounds.set(id, { x: Number(bounds.x), y: Number(bounds.y), width: Number(bounds.width), height: Number(bounds.height) });
      else if (points) found.points.set(id, points.map((each) => ({ x: Number(each.x), y: Number(each.y) })));
    }
  }
  return found;
}

/** The file without its drawing. */
export function undrawn(xml: string): string {
  const document = new DOMParser().parseFromString(xml, 'application/xml');
  for (const diagram of [...document.getElementsByTagNameNS('http://www.omg.org/spec/BPMN/20100524/DI', 'BPMNDiagram')]) diagram.remove();
  return new XMLSerializer().serializeToString(document);
}

class ArrangeHandler {
  static $inject = ['modeling', 'elementRegistry'];

  constructor(private readonly modeling: Modeling, private readonly registry: Registry) {}

  preExecute({ places }: { places: Places }): void {
    const nodes = this.registry.filter((each) => !each.waypoints && !each.labelTarget && !each.host && places.bounds.has(each.id));
    for (const shape of nodes) {
      const wanted = places.bounds.get(shape.id)!;
      const delta = { x: wanted.x + wanted.width / 2 - shape.x - shape.width / 2, y: wanted.y + wanted.height / 2 - shape.y - shape.height / 2 };
      if (delta.x !== 0 || delta.y !== 0) this.modeling.moveShape(shape, delta);
    }
    for (const flow of this.registry.filter((each) => each.waypoints !== undefined)) {
      const points = places.points.get(flow.id);
      if (points) this.modeling.updateWaypoints(flow, points);
      else this.modeling.layoutConnection(flow);
    }
  }
}

class Arrange {
  static $inject = ['commandStack'];

  constructor(private readonly commands: CommandStack) {
    commands.registerHandler('segue.arrange', ArrangeHandler);
  }

  apply(places: Places): void {
    this.commands.execute('segue.arrange', { places });
  }
}

/** Whether all of it can be arranged: pools, and what lies in sub-processes, stay where they are. */
export const canArrange = (services: Services): boolean =>
  services.get<Registry>('elementRegistry').filter((each: Shape) => each.type === 'bpmn:Participant').length === 0;

export type ArrangeService = Arrange;
export const arrangeModule = { __init__: ['segueArrange'], segueArrange: ['type', Arrange] };

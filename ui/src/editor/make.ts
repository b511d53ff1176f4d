// New nodes: made with what they call already set, and put where there is room, as one step that can be undone.
import { is, type Canvas, type ElementFactory, type Factory, type Modeling, type ModdleModel, type Registry, type Selection, type Shape } from './bpmn';
import { nameOfAction, type Kind, type Offer } from './kinds';

type Services = { get<T>(name: string): T };

const GAP = 60;

export function shapeOf(services: Services, kind: Kind, name: string, offer?: Offer): Shape {
  const shape = services.get<ElementFactory>('elementFactory').createShape({
    type: kind.type,
    ...(kind.definition ? { eventDefinitionType: kind.definition } : {}),
    ...(kind.expanded ? { isExpanded: true } : {}),
  });
  if (name) shape.businessObject.set('name', name);
  if (offer) {
    const factory = services.get<Factory>('bpmnFactory');
    const { application, ...action } = offer;
    const own = factory.create('segue:Action', { ...action, ...(application ? { application } : {}) });
    const holder = factory.create('bpmn:ExtensionElements', { values: [own] });
    own.$parent = holder;
    holder.$parent = shape.businessObject;
    shape.businessObject.set('extensionElements', holder);
    shape.businessObject.set('name', nameOfAction(offer.name));
  }
  return shape;
}

/** After a node: beside it, joined by a flow. */
export function append(services: Services, source: Shape, shape: Shape): Shape {
  const made = services.get<{ append(source: Shape, shape: Shape): Shape }>('autoPlace').append(source, shape);
  services.get<Selection>('selection').select(made);
  return made;
}

/** Where one looks, moved to the right until nothing is below it. */
export function place(services: Services, shape: Shape): Shape {
  const canvas = services.get<Canvas>('canvas');
  const box = canvas.viewbox();
  const parent = rootFor(services);
  let x = Math.round((box.x + box.width / 2) / 10) * 10;
  const y = Math.round((box.y + box.height / 2) / 10) * 10;
  const others = services.get<Registry>('elementRegistry').filter((each) => !each.waypoints && is(each, 'bpmn:FlowNode') && each !== parent);
  while (others.some((each) => overlaps(each, x, y, shape))) x += 20;
  const made = services.get<Modeling>('modeling').createShape(shape, { x, y }, parent);
  services.get<Selection>('selection').select(made);
  canvas.scrollToElement(made);
  return made;
}

/** On the lower edge of an activity, to the left of those that are there. */
export function watch(services: Services, host: Shape, definition: string): Shape {
  const there = (host.attachers ?? []).length;
  const shape = services.get<ElementFactory>('elementFactory').createShape({ type: 'bpmn:BoundaryEvent', eventDefinitionType: definition });
  const x = host.x + host.width - 20 - (there * 40) % Math.max(40, host.width - 20);
  const made = services.get<Modeling>('modeling').createShape(shape, { x, y: host.y + host.height }, host, { attach: true });
  services.get<Selection>('selection').select(made);
  return made;
}

function overlaps(other: Shape, x: number, y: number, shape: Shape): boolean {
  const [left, top] = [x - shape.width / 2 - GAP / 3, y - shape.height / 2 - GAP / 3];
  return (
    left < other.x + other.width &&
    other.x < left + shape.width + GAP &&
    top < other.y + other.height &&
    other.y < top + shape.height + GAP
  );
}

/** What new nodes lie in: the process, or the first pool that shows one. */
function rootFor(services: Services): Shape {
  const root = services.get<Canvas>('canvas').getRootElement();
  if (!is(root, 'bpmn:Collaboration')) return root;
  const pools = services.get<Registry>('elementRegistry').filter((each) => is(each, 'bpmn:Participant'));
  return pools.find((each) => each.businessObject.get('processRef')) ?? root;
}

/** A name that no node has, for a message or a process. */
export const freshId = (services: Services, prefix: string): string => services.get<ModdleModel>('moddle').ids.nextPrefixed(prefix);

// What differs between two drawings that are files: nodes and flows of one, of the other, and those that say something else.
// Where they are drawn makes no difference.
import type { Change, Kind } from '../versions/diff';

const MODEL = 'http://www.omg.org/spec/BPMN/20100524/MODEL';
const CONTAINERS = new Set(['process', 'subProcess', 'transaction', 'adHocSubProcess']);
// Written beside a node for what its flows say themselves, or about the whole.
const ELSEWHERE = new Set(['incoming', 'outgoing', 'laneSet', 'flowNodeRef']);

interface Part {
  label: string;
  flow: boolean;
  said: string;
}

/** All nodes and flows by id, each with what it says in one form. */
function partsOf(xml: string): Map<string, Part> {
  const found = new Map<string, Part>();
  for (const element of new DOMParser().parseFromString(xml, 'application/xml').getElementsByTagNameNS(MODEL, '*')) {
    const id = element.getAttribute('id');
    const parent = element.parentElement;
    if (!id || !parent || !CONTAINERS.has(parent.localName) || ELSEWHERE.has(element.localName)) continue;
    const flow = element.localName === 'sequenceFlow';
    const way = flow ? `${element.getAttribute('sourceRef') ?? ''} → ${element.getAttribute('targetRef') ?? ''}` : id;
    found.set(id, { label: element.getAttribute('name')?.replace(/\s+/g, ' ') || way, flow, said: said(element) });
  }
  return found;
}

function said(element: Element): string {
  const attributes = [...element.attributes]
    .filter(({ name }) => !/^xmlns(:|$)/.test(name))
    .map(({ namespaceURI, localName, value }) => `${namespaceURI ?? ''}|${localName}=${value}`)
    .sort();
  const holds = CONTAINERS.has(element.localName);
  const children = [...element.children].filter((each) => !ELSEWHERE.has(each.localName) && !(holds && each.hasAttribute('id'))).map(said);
  const text = element.children.length === 0 ? (element.textContent ?? '').trim() : '';
  return JSON.stringify([element.namespaceURI, element.localName, attributes, text, children]);
}

export function differences(before: string, after: string): Change[] {
  const [old, now] = [partsOf(before), partsOf(after)];
  const found: Change[] = [];
  const add = (id: string, { label, flow }: Part, kind: Kind) => found.push({ id, label, of: flow ? 'flow' : 'node', kind, fields: [] });
  for (const [id, part] of old) {
    const other = now.get(id);
    if (!other) add(id, part, 'removed');
    else if (other.said !== part.said) add(id, other, 'changed');
  }
  for (const [id, part] of now) if (!old.has(id)) add(id, part, 'added');
  return found;
}

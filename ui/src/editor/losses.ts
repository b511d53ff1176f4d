// What saving would leave out of a file, found by saving it right after it was opened and looking at both. It is told
// before anything is saved.
import { t } from '../texts';

const BPMN = 'http://www.omg.org/spec/BPMN/20100524/MODEL';
const DRAWING = new Set(['http://www.omg.org/spec/BPMN/20100524/DI', 'http://www.omg.org/spec/DD/20100524/DI', 'http://www.omg.org/spec/DD/20100524/DC']);
const XSI = 'http://www.w3.org/2001/XMLSchema-instance';
const XMLNS = 'http://www.w3.org/2000/xmlns/';

/** Sentences about what `after` lacks of what `before` holds; none when nothing is lost. */
export function lossesBetween(before: string, after: string): string[] {
  const [old, now] = [parsed(before), parsed(after)];
  if (!old || !now) return [];
  const [was, is] = [counted(old), counted(now)];
  const gone = new Map<string, number>();
  for (const [key, { count, name }] of was) {
    const left = count - (is.get(key)?.count ?? 0);
    if (left > 0) gone.set(name, (gone.get(name) ?? 0) + left);
  }
  const found = [...gone].map(([name, count]) => t.editor.lostPart(name, count));
  const planes = (document: Document) => document.getElementsByTagNameNS('http://www.omg.org/spec/BPMN/20100524/DI', 'BPMNPlane').length;
  if (planes(now) > planes(old)) found.push(t.editor.lostPlanes(planes(now) - planes(old)));
  return found;
}

function parsed(xml: string): Document | null {
  const document = new DOMParser().parseFromString(xml, 'application/xml');
  return document.getElementsByTagName('parsererror').length > 0 ? null : document;
}

/** Elements, attributes and texts with how often they are there, and what they are called. */
function counted(document: Document): Map<string, { count: number; name: string }> {
  const found = new Map<string, { count: number; name: string }>();
  const add = (key: string, name: string) => {
    const there = found.get(key);
    if (there) there.count += 1;
    else found.set(key, { count: 1, name });
  };
  const walk = (element: Element, above: string) => {
    const path = element.localName === 'BPMNDiagram' ? element.localName : `${above}/${element.namespaceURI}:${element.localName}`;
    const key = `${path}[${element.getAttribute('id') ?? ''}]`;
    const parent = element.parentElement?.localName;
    const name = parent ? `${element.localName} (${parent})` : element.localName;
    add(key, name);
    // Of a drawing its parts count; where exactly they are changes with every move.
    if (!DRAWING.has(element.namespaceURI ?? '')) {
      const foreign = element.namespaceURI !== BPMN;
      for (const attribute of element.attributes) {
        if (attribute.namespaceURI === XMLNS || attribute.namespaceURI === XSI) continue;
        // BPMN's own attributes may be left out where they say what holds anyway.
        if (foreign || attribute.namespaceURI !== null) add(`${key}@${attribute.namespaceURI}:${attribute.localName}=${attribute.value}`, `${attribute.name} (${element.localName})`);
      }
      const text = [...element.childNodes].filter((each) => each.nodeType === 3 || each.nodeType === 4).map((each) => each.nodeValue ?? '').join('').trim();
      if (text) add(`${key}=${text.replace(/\s+/g, ' ')}`, name);
    }
    for (const child of element.children) walk(child, path);
  };
  walk(document.documentElement, '');
  return found;
}

// What is offered while a condition is typed: fields of the sample message, headers, and what CEL calls.

export interface Suggestion {
  text: string;
  about: string;
  /** How far behind its end the cursor goes: within the brackets of a call. */
  back: number;
}

export const CALLS: [string, string][] = [
  ['size()', 'how many elements or characters'],
  ['contains()', 'text.contains("part")'],
  ['startsWith()', 'text.startsWith("part")'],
  ['endsWith()', 'text.endsWith("part")'],
  ['matches()', 'text.matches("regular expression")'],
  ['has()', 'whether a field is there: has(body.field)'],
  ['exists()', 'whether one element fits: list.exists(x, x > 1)'],
  ['all()', 'whether every element fits: list.all(x, x > 1)'],
  ['int()', 'as a whole number'],
  ['double()', 'as a number'],
  ['string()', 'as text'],
  ['timestamp()', 'an instant: timestamp("2027-01-31T06:00:00Z")'],
  ['duration()', 'a span: duration("3600s")'],
];

const NAME = /^[A-Za-z_]\w*$/;
const DEEPEST = 4;
const MOST = 200;

/** The paths of the fields in a JSON text, as a condition writes them, with what they hold. */
export function fieldsOf(sample: string): [string, string][] {
  let value: unknown;
  try {
    value = JSON.parse(sample);
  } catch {
    return [];
  }
  const found: [string, string][] = [];
  const walk = (prefix: string, held: unknown, depth: number) => {
    if (typeof held !== 'object' || held === null || Array.isArray(held) || depth > DEEPEST) return;
    for (const [name, inner] of Object.entries(held)) {
      if (found.length >= MOST) return;
      const path = NAME.test(name) ? (prefix ? `${prefix}.${name}` : name) : `${prefix || 'body'}[${JSON.stringify(name)}]`;
      found.push([path, shown(inner)]);
      walk(path, inner, depth + 1);
    }
  };
  walk('', value, 0);
  return found;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? '';
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}

/** The word that is being typed before the cursor. */
export function wordBefore(text: string, cursor: number): string {
  return /[A-Za-z_][\w.]*$/.exec(text.slice(0, cursor))?.[0] ?? '';
}

/** What may stand in the place of that word, the likeliest first. Within a text nothing is offered. */
export function suggestionsFor(text: string, cursor: number, sample: string, about: { body: string; headers: string }): Suggestion[] {
  const before = text.slice(0, cursor);
  if (isInText(before)) return [];
  const word = wordBefore(text, cursor).toLowerCase();
  if (word === '' && /[\w.)\]"']\s*$/.test(before)) return [];
  const fields: Suggestion[] = [
    ...fieldsOf(sample).map(([path, held]) => ({ text: path, about: held, back: 0 })),
    { text: 'body', about: about.body, back: 0 },
    { text: 'headers[""]', about: about.headers, back: 2 },
  ];
  const dot = word.lastIndexOf('.');
  const member = dot >= 0 ? word.slice(dot + 1) : word;
  const calls: Suggestion[] = CALLS.filter(([call]) => call.toLowerCase().startsWith(member) && word !== '').map(([call, explained]) => ({
    text: dot >= 0 ? `${wordBefore(text, cursor).slice(0, dot + 1)}${call}` : call,
    about: explained,
    back: 1,
  }));
  const matching = fields.filter((each) => each.text.toLowerCase().includes(word) && each.text.toLowerCase() !== word);
  matching.sort((a, b) => Number(b.text.toLowerCase().startsWith(word)) - Number(a.text.toLowerCase().startsWith(word)));
  return [...matching, ...calls].slice(0, 8);
}

function isInText(before: string): boolean {
  let quote = '';
  for (let at = 0; at < before.length; at += 1) {
    const character = before[at]!;
    if (quote) {
      if (character === '\\') at += 1;
      else if (character === quote) quote = '';
    } else if (character === '"' || character === "'") quote = character;
  }
  return quote !== '';
}

const YES = new Set(['yes', 'true', 'ja', 'oui', 'si', 'sí', 'ano', 'ok', 'approved']);
const NO = new Set(['no', 'false', 'nein', 'non', 'ne', 'rejected', 'not ok']);

/** A condition that a branch's label may mean, to begin with; its field is to be looked at. */
export function fromLabel(label: string, gateway: string, sample: string): string {
  const wanted = label.trim();
  const fields = fieldsOf(sample).map(([path]) => path);
  const words = `${gateway} ${wanted}`.toLowerCase();
  const near = fields.find((path) => words.includes(path.split('.').at(-1)!.toLowerCase()));
  const field = near ?? camel(gateway) ?? 'field';
  const compared = /(<=|>=|<|>|=|≤|≥)\s*(\d+(?:[.,]\d+)?)/.exec(wanted);
  if (compared) {
    const signs: Record<string, string> = { '=': '==', '≤': '<=', '≥': '>=' };
    return `${field} ${signs[compared[1]!] ?? compared[1]} ${compared[2]!.replace(',', '.')}`;
  }
  if (YES.has(wanted.toLowerCase())) return `${field} == true`;
  if (NO.has(wanted.toLowerCase())) return `${field} == false`;
  return `${field} == ${JSON.stringify(wanted)}`;
}

function camel(text: string): string | null {
  const words = text.normalize('NFD').replace(/[^A-Za-z0-9 ]/g, '').trim().split(/\s+/).filter(Boolean);
  if (words.length === 0 || !/^[A-Za-z]/.test(words[0]!)) return null;
  return words.slice(0, 4).map((word, at) => (at === 0 ? word.toLowerCase() : word[0]!.toUpperCase() + word.slice(1).toLowerCase())).join('');
}

import { describe, expect, it } from 'vitest';

import { fieldsOf, fromLabel, suggestionsFor, wordBefore } from '../src/editor/cel';
import { everyOf, iso, simple } from '../src/editor/durations';
import { withoutVariables } from '../src/editor/picture';
import { fits, nameOfAction } from '../src/editor/kinds';
import { forget, offer, recall, remember } from '../src/editor/recovery';
import { tabFor, todoCount, todoOf } from '../src/editor/todo';
import { changesOf, fieldName, paintOf, shown, type GraphDiff } from '../src/versions/diff';
import { stepsOf } from '../src/versions/steps';

const about = { body: 'b', headers: 'h' };
const texts = (text: string, sample = '{"amount": 1, "customer": {"name": "x", "a b": 2}}') =>
  suggestionsFor(text, text.length, sample, about).map((each) => each.text);

describe('completion of conditions', () => {
  it('finds the fields of a sample, nested ones and those with odd names', () => {
    expect(fieldsOf('{"a": 1, "b": {"c": "x", "d e": 2}, "f g": 3}').map(([path]) => path)).toEqual(['a', 'b', 'b.c', 'b["d e"]', 'body["f g"]']);
    expect(fieldsOf('no json')).toEqual([]);
    expect(fieldsOf('[1]')).toEqual([]);
  });
  it('offers what fits the word before the cursor, what begins with it first', () => {
    expect(texts('amo')[0]).toBe('amount');
    expect(texts('x > 1 && cust').slice(0, 2)).toEqual(['customer', 'customer.name']);
    expect(texts('customer.na')).toContain('customer.name');
    expect(texts('siz')).toContain('size()');
    expect(texts('name.starts')).toContain('name.startsWith()');
  });
  it('offers nothing within a text, behind a value, or for a word that is complete', () => {
    expect(texts('customer == "amo')).toEqual([]);
    expect(texts('amount > 100')).toEqual([]);
    expect(texts('amount')).not.toContain('amount');
  });
  it('knows the word that is replaced', () => {
    expect(wordBefore('a > customer.na', 15)).toBe('customer.na');
    expect(wordBefore('a > 100', 7)).toBe('');
  });
  it('reads a condition out of a label', () => {
    expect(fromLabel('yes', 'Approved?', '')).toBe('approved == true');
    expect(fromLabel('nein', 'amount large', '{"amount": 1}')).toBe('amount == false');
    expect(fromLabel('> 1000', 'Order amount', '{"amount": 1}')).toBe('amount > 1000');
    expect(fromLabel('≥ 2,5', '?', '')).toBe('field >= 2.5');
    expect(fromLabel('a "b"', 'Kind', '')).toBe('kind == "a \\"b\\""');
  });
});

describe('durations', () => {
  it('are a number and a unit where they are that simple, and come back the same', () => {
    for (const text of ['PT30S', 'PT5M', 'PT1H', 'P1D', 'PT0.5S', 'PT1.25S']) expect(iso(simple(text)!)).toBe(text);
    expect(simple('PT1H30M')).toBeNull();
    expect(simple('P1M')).toBeNull();
    expect(everyOf('R/PT5M')).toBe('PT5M');
    expect(everyOf('R3/PT5M')).toBeNull();
  });
});

describe('words', () => {
  it('finds what every word of a search is in', () => {
    expect(fits('cont crm', 'create-contact', 'crm')).toBe(true);
    expect(fits('contact shop', 'create-contact', 'crm')).toBe(false);
  });
  it('names a node after its action', () => {
    expect(nameOfAction('create-contact')).toBe('Create contact');
    expect(nameOfAction('sendInvoice_v2')).toBe('Send invoice v2');
  });
});

describe('findings', () => {
  const found = (code: string, severity: 'error' | 'warning' | 'info') => ({ code, severity, message: '', node: 'n', line: null });
  it('are a to-do list by kind of work', () => {
    const findings = [found('no-action', 'error'), found('branch-without-condition', 'error'), found('unreachable', 'warning'), found('no-start-event', 'error')];
    expect([...todoOf(findings).keys()].sort()).toEqual(['actions', 'conditions', 'rest']);
    expect(todoCount(findings)).toBe(3);
  });
  it('lead to the tab that puts them right', () => {
    expect(tabFor('no-action', false)).toBe('action');
    expect(tabFor('bad-condition', true)).toBe('condition');
    expect(tabFor('branch-without-condition', false)).toBe('conditions');
    expect(tabFor('timer-empty', false)).toBe('schedule');
    expect(tabFor('unreachable', false)).toBeNull();
  });
});

describe('work that is not saved', () => {
  const held = new Map<string, string>();
  const storage = { getItem: (key: string) => held.get(key) ?? null, setItem: (key: string, text: string) => void held.set(key, text), removeItem: (key: string) => void held.delete(key) } as unknown as Storage;
  it('is kept, found again and forgotten', () => {
    expect(recall('p', 'now', storage)).toBeNull();
    remember('p', { xml: '<a/>', at: 5, version: 2, revision: 'r' }, 'now', storage);
    expect(recall('p', 'now', storage)).toEqual({ xml: '<a/>', at: 5, version: 2, revision: 'r' });
    forget('p', 'now', storage);
    expect(recall('p', 'now', storage)).toBeNull();
    held.set('segue.edit.p', '{');
    expect(recall('p', 'now', storage)).toBeNull();
  });
  it('is offered until one decides, whatever is drawn meanwhile; what is saved already is not', () => {
    const left = { xml: '<left/>', at: 5, version: 2, revision: 'r' };
    remember('q', left, 'now', storage);
    expect(offer('q', '<saved/>', storage)).toEqual(left);
    remember('q', { ...left, xml: '<drawn/>' }, 'now', storage);
    forget('q', 'now', storage);
    expect(offer('q', '<drawn/>', storage)).toEqual(left);
    expect(offer('q', '<left/>', storage)).toBeNull();
    expect(offer('q', '<saved/>', storage)).toBeNull();
  });
});

describe('pictures', () => {
  it('hold colours and no names of them', () => {
    expect(withoutVariables('stroke: var(--drawing-stroke); fill: var(--drawing-fill)')).toBe('stroke: #22242a; fill: #ffffff');
  });
});

const EMPTY: GraphDiff = {
  nodes: { added: [], removed: [], changed: [] },
  flows: { added: [], removed: [], changed: [] },
  settings: { added: [], removed: [], changed: [] },
  process: [],
};

describe('differences', () => {
  it('are one entry for each thing, with all of its fields', () => {
    const changes = changesOf({
      ...EMPTY,
      nodes: { added: [{ id: 'n', label: 'New' }], removed: [{ id: 'o', label: 'Old' }], changed: [{ id: 'c', label: 'C', changes: [{ field: 'name', before: 'B', after: 'C' }] }] },
      settings: { ...EMPTY.settings, changed: [{ node: 'c', label: 'C', field: 'prefetch', before: 1, after: 5 }], added: [{ node: 'd', label: 'D', field: 'repeat', before: null, after: { at_most: 3 } }] },
      process: [{ field: 'name', before: 'x', after: 'y' }],
    });
    expect(changes.map((each) => [each.kind, each.of, each.id, each.fields.length])).toEqual([
      ['removed', 'node', 'o', 0],
      ['added', 'node', 'n', 0],
      ['changed', 'process', '', 1],
      ['changed', 'node', 'c', 2],
      ['changed', 'node', 'd', 1],
    ]);
    expect(paintOf(changes, 'before')).toEqual({ added: [], removed: ['o'], changed: ['c', 'd'] });
    expect(paintOf(changes, 'after')).toEqual({ added: ['n'], removed: [], changed: ['c', 'd'] });
  });
  it('are shown in words', () => {
    expect(shown('timeout_ms', 30_000)).toBe('30 s');
    expect(shown('repeat', { interval_ms: 500, at_most: 3 })).toBe('interval_ms: 500 ms, at_most: 3');
    expect(shown('x', null)).toBe('–');
    expect(fieldName('action.worker')).toBe('Action worker');
  });
});

describe('steps of a version', () => {
  const version = (number: number, state: 'draft' | 'disabled' | 'enabled' | 'retired') => ({ version: number, state, live: 0, created: 0, author: '', note: '', semantic_hash: '' });
  const process = (...versions: ReturnType<typeof version>[]) => ({ name: 'p', folder: '', created: 0, versions }) as unknown as Parameters<typeof stepsOf>[0];
  it('offer a switch only where another version is enabled', () => {
    expect(stepsOf(process(version(1, 'disabled')), version(1, 'disabled'))).toEqual(['enable', 'retire']);
    expect(stepsOf(process(version(1, 'enabled'), version(2, 'disabled')), version(2, 'disabled'))).toEqual(['switch', 'enable', 'retire']);
    expect(stepsOf(process(version(1, 'draft')), version(1, 'draft'))).toEqual(['publish']);
    expect(stepsOf(process(version(1, 'retired')), version(1, 'retired'))).toEqual([]);
  });
});

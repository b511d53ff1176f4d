import { held, merged } from '../src/logs/tail';
import { inSpans } from '../src/statistics/spans';
import { describe, expect, it, vi } from 'vitest';

import type { Schemas } from '../src/api/client';
import { problemOf } from '../src/api/client';
import { marksOf, numbersOf, OVERLAYS, short } from '../src/diagram/marks';
import { enabledOf, matches, nameOfFile, treeOf } from '../src/lib/folders';
import { headersOf } from '../src/lib/headers';
import { changedLines, lineDiff } from '../src/lib/lines';
import { wayOf } from '../src/lib/path';
import { jsonFault, pretty, recentBodies, rememberBody } from '../src/lib/recent';
import { ago, duration, micros } from '../src/lib/time';
import { href, numberOf } from '../src/lib/url';
import { removeView, savedViews, saveView } from '../src/lib/views';
import { waterfallOf } from '../src/lib/waterfall';
import { KINDS, LiveStream, touched } from '../src/live/events';

type Process = Schemas['ProcessOut'];

const process = (name: string, folder = '', states: string[] = []): Process => ({
  name,
  folder,
  created: 0,
  versions: states.map((state, index) => ({ version: index + 1, state, live: 0 }) as Process['versions'][number]),
});

describe('time', () => {
  it.each([
    [0, '0 ms'],
    [0.5, '500 µs'],
    [999, '999 ms'],
    [1500, '1.5 s'],
    [59_000, '59 s'],
    [200_000, '3 min 20 s'],
    [7_200_000, '2 h'],
    [90_000_000, '1 d 1 h'],
  ])('%d ms is %s', (ms, text) => expect(duration(ms)).toBe(text));

  it('says how long ago, and in how long', () => {
    expect(ago(1000, 1500)).toBe('now');
    expect(ago(0, 65_000)).toBe('1 min ago');
    expect(ago(10_000, 5_000)).toBe('in 5 s');
    expect(micros(1500)).toBe('2 ms');
  });
});

describe('folders', () => {
  it('puts processes below their folders, everything by name', () => {
    const tree = treeOf([process('z', 'b/c'), process('a', 'b'), process('top'), process('y', 'b/c'), process('x', '/a/')]);
    expect(tree.processes.map((each) => each.name)).toEqual(['top']);
    expect(tree.folders.map((each) => each.path)).toEqual(['a', 'b']);
    expect(tree.folders[1]!.folders[0]!.path).toBe('b/c');
    expect(tree.folders[1]!.folders[0]!.processes.map((each) => each.name)).toEqual(['y', 'z']);
  });

  it('finds by every word, in name and folder', () => {
    expect(matches(process('Orders', 'sales'), 'ord SAL')).toBe(true);
    expect(matches(process('Orders', 'sales'), 'ord crm')).toBe(false);
    expect(matches(process('Orders'), '')).toBe(true);
  });

  it('knows which version takes what starts by name', () => {
    expect(enabledOf(process('a', '', ['enabled', 'enabled', 'disabled']))?.version).toBe(2);
    expect(enabledOf(process('a', '', ['draft']))).toBeUndefined();
  });

  it.each([
    ['orders.bpmn', 'orders'],
    ['My orders (2).bpmn20.xml', 'My-orders-2'],
    ['a.tplg.json', 'a'],
    ['…', ''],
  ])('names a process after %s', (file, name) => expect(nameOfFile(file)).toBe(name));
});

describe('headers', () => {
  it('reads lines and names the one that is none', () => {
    expect(headersOf(' a: 1\n\nX-Key:  b: c ')).toEqual({ ok: true, headers: { a: '1', 'X-Key': 'b: c' } });
    expect(headersOf('a: 1\nno header')).toEqual({ ok: false, line: 'no header' });
  });
});

describe('bodies', () => {
  const storage = () => {
    const kept = new Map<string, string>();
    return { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => kept.set(key, value) } as unknown as Storage;
  };

  it('remembers the last eight, each once', () => {
    const where = storage();
    for (let n = 0; n < 10; n += 1) rememberBody('p', String(n), where);
    rememberBody('p', '5', where);
    expect(recentBodies('p', where)).toEqual(['5', '9', '8', '7', '6', '4', '3', '2']);
    expect(recentBodies('q', where)).toEqual([]);
  });

  it('survives what is no list', () => {
    const where = storage();
    where.setItem('segue.bodies.p', '{');
    expect(recentBodies('p', where)).toEqual([]);
  });

  it('says what is wrong with a text that should be JSON', () => {
    expect(jsonFault('{"a":1}')).toBeNull();
    expect(jsonFault('{a}')).toContain('JSON');
  });

  it('sets JSON in lines and leaves numbers alone that JavaScript would change', () => {
    expect(pretty('{"a":1}')).toBe('{\n  "a": 1\n}');
    expect(pretty('{"a":12345678901234567890}')).toBe('{"a":12345678901234567890}');
    expect(pretty('{"a":1.0}')).toBe('{"a":1.0}');
    expect(pretty('no')).toBe('no');
  });
});

describe('addresses', () => {
  it('carry what is set', () => {
    expect(href('/trash', { process: 'a b', node: '', version: 2, x: null })).toBe('/trash?process=a+b&version=2');
    expect(numberOf('12')).toBe(12);
    expect([numberOf('0'), numberOf('-1'), numberOf('1e3'), numberOf(null)]).toEqual(Array(4).fill(undefined));
  });
});

describe('edits', () => {
  const shown = (before: string, after: string) => changedLines(before, after).map(({ kind, text }) => `${kind} ${text}`);

  it('shows what changed with a little around it', () => {
    const lines = Array.from({ length: 12 }, (_, at) => `line ${at}`);
    const now = lines.map((line) => (line === 'line 5' ? 'line five' : line));
    expect(shown(lines.join('\n'), now.join('\n'))).toEqual([
      'skipped 3', 'same line 3', 'same line 4', 'gone line 5', 'new line five', 'same line 6', 'same line 7', 'skipped 4',
    ]);
    expect(shown('a', 'a')).toEqual(['skipped 1']);
    expect(shown('', 'a')).toEqual(['gone ', 'new a']);
  });

  it('takes the longest that stayed', () => {
    expect(shown('a\nb\nc\nd', 'a\nc\nx\nd')).toEqual(['same a', 'gone b', 'same c', 'new x', 'same d']);
  });

  it('gives both texts again, however they differ', () => {
    let seed = 7;
    const next = (n: number) => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % n;
    for (let round = 0; round < 200; round += 1) {
      const text = () => Array.from({ length: next(9) }, () => 'abc'[next(3)]!).join('\n');
      const [before, after] = [text(), text()];
      const lines = lineDiff(before, after);
      expect(lines.filter(({ kind }) => kind !== 'new').map((each) => each.text).join('\n')).toBe(before);
      expect(lines.filter(({ kind }) => kind !== 'gone').map((each) => each.text).join('\n')).toBe(after);
    }
  });

  it('does not look for the shortest way through a very long text', () => {
    const before = Array.from({ length: 5000 }, (_, at) => `a${at}`).join('\n');
    expect(lineDiff(before, before.replaceAll('a', 'b'))).toHaveLength(10_000);
  });
});

describe('diagram', () => {
  const numbers = numbersOf(
    2,
    [
      { version: 2, node: 'a', depth: 3, in_flight: 1, delayed: 1, waiting: 1, held: 'away' },
      { version: 1, node: 'a', depth: 9, in_flight: 9, delayed: 9, waiting: 9, held: null },
    ],
    [{ version: 2, node: 'b', count: 100_000 }, { version: 1, node: 'b', count: 3 }],
    [{ version: 2, node: 'c', count: 1 }],
  );
  const names = { queue: 'Queued', flight: 'In flight', trash: 'Trash', tasks: 'Tasks', held: 'Held', rate: 'Rate', time: 'Time', test: 'Test' };

  it('counts by node of one version', () => {
    expect(numbers.get('a')).toEqual({ queue: 5, flight: 1, trash: 0, tasks: 0, held: 'away' });
    expect(numbers.get('b')?.trash).toBe(100_000);
    expect(numbers.get('c')?.tasks).toBe(1);
  });

  it('marks what is on and not nothing', () => {
    expect(marksOf(numbers, new Set(OVERLAYS), names).map(({ node, kind, text }) => `${node} ${kind} ${text}`)).toEqual([
      'a queue 5',
      'a flight 1',
      'a held Held',
      'b trash 100k',
      'c tasks 1',
    ]);
    expect(marksOf(numbers, new Set(['trash']), names)).toHaveLength(1);
  });

  it.each([
    [999, '999'],
    [1000, '1k'],
    [12_345, '12.3k'],
    [2_500_000, '2.5M'],
  ])('writes %d as %s', (count, text) => expect(short(count)).toBe(text));

  it('knows the way of an instance', () => {
    const way = wayOf({
      start_node: 's',
      steps: [{ node: 'a' }, { node: 'a' }] as Schemas['StepOut'][],
      messages: [{ node: 'b', place: 'trash' }, { node: 'c', place: 'queued' }] as Schemas['MessageOut'][],
    });
    expect(way.passed.get('a')).toBe(2);
    expect([...way.stuck]).toEqual(['b']);
    expect(way.here.get('c')).toBe(1);
  });
});

describe('problems', () => {
  it('keep code, reason and what else is said', () => {
    const problem = problemOf(409, { code: 'messages-live', detail: 'they live', live: 3 });
    expect([problem.status, problem.code, problem.message, problem.extra]).toEqual([409, 'messages-live', 'they live', { live: 3 }]);
    expect(problemOf(502, '<html>').code).toBe('unknown');
  });
});

describe('live', () => {
  class Source {
    onopen: (() => void) | null = null;
    onerror: (() => void) | null = null;
    readyState = 1;
    closed = false;
    listeners = new Map<string, () => void>();
    addEventListener(kind: string, listener: () => void) {
      this.listeners.set(kind, listener);
    }
    close() {
      this.closed = true;
    }
  }

  it('gathers what a swarm of events makes old, and asks once', () => {
    vi.useFakeTimers();
    const source = new Source();
    const asked: (string[] | 'all')[] = [];
    const stream = new LiveStream(() => source as unknown as EventSource, (lists) => asked.push(lists));
    stream.start();
    source.onopen!();
    for (let n = 0; n < 50; n += 1) source.listeners.get('message-in-trash')!();
    expect(asked).toEqual([]);
    vi.advanceTimersByTime(500);
    expect(asked).toEqual([touched('message-in-trash')]);
    stream.stop();
    vi.useRealTimers();
  });

  it('is stale while cut, opens anew when refused, and refreshes all when it is back', () => {
    vi.useFakeTimers();
    const sources: Source[] = [];
    const asked: (string[] | 'all')[] = [];
    const open = () => {
      sources.push(new Source());
      return sources.at(-1) as unknown as EventSource;
    };
    const stream = new LiveStream(open, (lists) => asked.push(lists));
    stream.start();
    sources[0]!.onopen!();
    expect(stream.state).toBe('live');
    sources[0]!.readyState = 2;
    sources[0]!.onerror!();
    expect(stream.state).toBe('stale');
    vi.advanceTimersByTime(3000);
    expect(sources).toHaveLength(2);
    sources[1]!.onopen!();
    expect([stream.state, asked]).toEqual(['live', ['all']]);
    stream.stop();
    expect(sources[1]!.closed).toBe(true);
    vi.useRealTimers();
  });

  it('knows for every kind what it makes old', () => {
    for (const kind of KINDS) expect(touched(kind).length).toBeGreaterThan(0);
  });
});

describe('saved views', () => {
  const storage = () => {
    const kept = new Map<string, string>();
    return { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => kept.set(key, value) } as unknown as Storage;
  };

  it('keeps each name once, the last one first, and takes nonsense for none', () => {
    const kept = storage();
    saveView({ name: 'a', query: 'state=failed' }, kept);
    saveView({ name: 'b', query: 'state=running' }, kept);
    saveView({ name: 'a', query: 'since=1h' }, kept);
    expect(savedViews(kept)).toEqual([
      { name: 'a', query: 'since=1h' },
      { name: 'b', query: 'state=running' },
    ]);
    expect(removeView('a', kept)).toEqual([{ name: 'b', query: 'state=running' }]);
    kept.setItem('segue.views', '[1, {"name": 2}]');
    expect(savedViews(kept)).toEqual([]);
  });
});

describe('waterfall', () => {
  const step = (message: string, parent: string | null, entered: number, taken: number, ended: number) =>
    ({ message, parent, node: message, outcome: 'ok', produced: 1, entered, taken, ended, worker_us: 0, remote_us: 0, cpu_us: 0, repeats: 0, status: null });

  it('puts each message below its parent, with its share of the time', () => {
    const steps = [step('a', null, 0, 10, 20), step('c', 'a', 20, 20, 60), step('b', 'a', 20, 30, 40), step('d', 'b', 40, 50, 100)];
    const { bars } = waterfallOf({ started: 0, finished: 100, steps, messages: [] }, 0);
    expect(bars.map(({ message, depth }) => [message, depth])).toEqual([['a', 0], ['c', 1], ['b', 1], ['d', 2]]);
    expect([bars[0]!.from, bars[0]!.taken, bars[0]!.to]).toEqual([0, 0.1, 0.2]);
    expect([bars[3]!.waited, bars[3]!.worked]).toEqual([10, 50]);
  });

  it('shows all messages even when their parents go in a circle', () => {
    const steps = [step('a', 'b', 0, 1, 2), step('b', 'gone', 2, 3, 4), step('c', 'c', 4, 5, 6)];
    const { bars } = waterfallOf({ started: 0, finished: null, steps, messages: [] }, 10);
    expect(bars.map(({ message }) => message)).toEqual(['b', 'a', 'c']);
  });
});

describe('lines that are followed', () => {
  const line = (seq: number) => ({ seq, at: seq, level: 'info', text: `${seq}`, process: 'p', version: 1, node: 'n', instance: 'i', message: 'm' });
  it('come newest first, each once, with those that were stored', () => {
    const tail = held(held([], [line(3), line(4)]), [line(4), line(5)]);
    expect(tail.map((each) => each.seq)).toEqual([5, 4, 3]);
    expect(merged(tail, [line(4), line(2)]).map((each) => each.seq)).toEqual([5, 4, 3, 2]);
  });
  it('are no more than can be looked at', () => {
    const many = Array.from({ length: 700 }, (_, index) => line(index + 1));
    expect(held([], many)).toHaveLength(500);
    expect(held([], many)[0]?.seq).toBe(700);
  });
});

describe('figures', () => {
  it('have a bar for every span, that of all versions together', () => {
    const now = 100 * 3_600_000 + 5;
    const bars = inSpans(
      [
        { at: 99 * 3_600_000, started: 2, failed: 1 },
        { at: 99 * 3_600_000, started: 3, failed: 0 },
        { at: 3_600_000, started: 9, failed: 9 },
      ],
      'hour',
      now,
    );
    expect(bars).toHaveLength(60);
    expect(bars.at(-1)).toEqual({ at: 100 * 3_600_000, started: 0, failed: 0 });
    expect(bars.at(-2)).toEqual({ at: 99 * 3_600_000, started: 5, failed: 1 });
    expect(bars.reduce((sum, bar) => sum + bar.started, 0)).toBe(5);
  });
});

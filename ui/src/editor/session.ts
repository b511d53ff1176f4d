// One drawing being edited: what is open, what the server found in it, and what of it is saved. Everything that changes
// tells those who listen; the pages only show.
import { api, ask, Problem, send, type Schemas } from '../api/client';
import { given } from '../api/queries';
import { href } from '../lib/url';
import { placesOf, undrawn, type ArrangeService } from './arrange';
import type { Badge, BadgesService } from './badges';
import { is, type Canvas, type CommandStack, type EventBus, type Moddle, type ModdleModel, type Registry, type Selection, type Shape } from './bpmn';
import { blank, createModeler, openIn, xmlOf, type Editor } from './modeler';
import type { Offer } from './kinds';
import { forget, offer, remember, type Kept } from './recovery';

export type Finding = Schemas['FindingOut'];
export type Status = 'saved' | 'draftSaved' | 'saving' | 'changed' | 'layout' | 'failed' | 'conflict' | 'read';

export interface State {
  ready: boolean;
  /** Counts every change of the drawing and of what is chosen in it. */
  tick: number;
  selected: Shape[];
  status: Status;
  error: Error | null;
  /** The version whose file is open, and its revision; null for a process that has none. */
  version: Schemas['VersionOut'] | null;
  revision: string | null;
  key: string | undefined;
  changes: string[];
  lost: string[];
  findings: Finding[];
  nodes: Schemas['NodeOut'][];
  checked: boolean;
  checkError: Error | null;
  kept: Kept | null;
}

const CHECK_MS = 500;
const SAVE_MS = 2500;
const RETRY_MS = 15_000;

// The palette lies over the left of the canvas (px).
const PALETTE = 110;
const MARGIN = 30;

const EMPTY: State = {
  ready: false,
  tick: 0,
  selected: [],
  status: 'saved',
  error: null,
  version: null,
  revision: null,
  key: undefined,
  changes: [],
  lost: [],
  findings: [],
  nodes: [],
  checked: false,
  checkError: null,
  kept: null,
};

export class Session {
  readonly offers: { list: Offer[] } = { list: [] };
  state: State = EMPTY;
  private modeler: Editor | null = null;
  private savedXml = '';
  private listeners = new Set<() => void>();
  private checking: ReturnType<typeof setTimeout> | undefined;
  private saver: ReturnType<typeof setTimeout> | undefined;
  private checkNumber = 0;
  private saveRunning: Promise<unknown> = Promise.resolve();
  private closed = false;
  private opening = 0;

  constructor(
    readonly process: string,
    readonly mayEdit: boolean,
    /** Called when something of the process on the server is another now. */
    private readonly stale: () => void,
  ) {}

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  get = <T>(name: string): T => this.made.get<T>(name);

  get made(): Editor {
    if (!this.modeler) throw new Error('The editor is not open');
    return this.modeler;
  }

  get dirty(): boolean {
    return ['changed', 'layout', 'failed', 'conflict', 'saving'].includes(this.state.status);
  }

  // -- opening -----------------------------------------------------------------------------------------------------

  async open(container: HTMLElement, opened: Schemas['OpenedOut'] | null): Promise<void> {
    this.closed = false;
    const number = ++this.opening;
    const modeler = (this.modeler = createModeler(container, this.offers));
    const several = opened?.findings.some((each) => each.code === 'several-processes');
    this.set({
      version: opened?.version ?? null,
      revision: opened?.revision ?? null,
      key: several ? undefined : opened?.key,
      changes: opened?.changes ?? [],
      findings: opened?.findings ?? [],
    });
    let lost: string[];
    try {
      ({ lost } = await openIn(modeler, opened?.xml ?? blank(this.process)));
      this.savedXml = await xmlOf(modeler);
    } catch (error) {
      // Somebody has left meanwhile.
      if (number !== this.opening || this.closed) return;
      throw error;
    }
    if (number !== this.opening || this.closed) return;
    this.listen();
    this.fit();
    const kept = this.mayEdit ? offer(this.process, this.savedXml) : null;
    this.set({ ready: true, lost, kept, status: this.mayEdit ? (opened ? 'saved' : 'changed') : 'read' });
    void this.check();
  }

  /** Put another drawing in the place of this one: an imported file, or work that was kept. It is not saved yet. */
  async replace(xml: string): Promise<string[]> {
    const { lost } = await openIn(this.made, xml);
    this.fit();
    this.set({ lost, key: undefined });
    this.changed();
    return lost;
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.checking);
    clearTimeout(this.saver);
    this.modeler?.destroy();
    this.modeler = null;
    this.state = EMPTY;
  }

  /** Show the whole of it beside the palette; a small process is not blown up. */
  fit(): void {
    const canvas = this.get<Canvas>('canvas');
    canvas.resized();
    canvas.zoom('fit-viewport', 'auto');
    const { inner, outer } = canvas.viewbox();
    const scale = Math.min(1, (outer.width - PALETTE - 2 * MARGIN) / inner.width, (outer.height - 2 * MARGIN) / inner.height);
    if (!Number.isFinite(scale) || scale <= 0) return;
    canvas.viewbox({
      x: inner.x - (outer.width + PALETTE - inner.width * scale) / 2 / scale,
      y: inner.y - (outer.height - inner.height * scale) / 2 / scale,
      width: outer.width / scale,
      height: outer.height / scale,
    });
  }

  private listen(): void {
    const events = this.get<EventBus>('eventBus');
    events.on('commandStack.changed', () => this.changed());
    events.on('selection.changed', ({ newSelection }: { newSelection: Shape[] }) => {
      this.set({ selected: newSelection, tick: this.state.tick + 1 });
    });
  }

  // -- what is chosen ----------------------------------------------------------------------------------------------

  choose(id: string): Shape | null {
    const element = this.get<Registry>('elementRegistry').get(id);
    if (!element) return null;
    this.get<Selection>('selection').select(element);
    this.get<Canvas>('canvas').scrollToElement(element, 80);
    return element;
  }

  /** The processes of the file that have nodes, by id. */
  processes(): Moddle[] {
    const root = this.definitions();
    const all = (root?.get('rootElements') as Moddle[] | undefined) ?? [];
    return all.filter((each) => each.$type === 'bpmn:Process' && ((each.get('flowElements') as unknown[] | undefined) ?? []).length > 0);
  }

  definitions(): Moddle | undefined {
    return (this.modeler as unknown as { getDefinitions(): Moddle | undefined } | null)?.getDefinitions();
  }

  chooseProcess(key: string): void {
    this.set({ key });
    this.changed();
  }

  // -- changes, findings -------------------------------------------------------------------------------------------

  private changed(): void {
    this.set({ tick: this.state.tick + 1, ...(this.mayEdit && this.state.status !== 'conflict' ? { status: 'changed' as const } : {}) });
    clearTimeout(this.checking);
    clearTimeout(this.saver);
    this.checking = setTimeout(() => void this.check(), CHECK_MS);
    if (this.mayEdit) this.saver = setTimeout(() => void this.autosave(), SAVE_MS);
  }

  async check(): Promise<void> {
    if (!this.modeler || !this.mayEdit) return;
    const number = ++this.checkNumber;
    this.set({ checked: false });
    try {
      const xml = await this.keep();
      const path = href('/api/v1/files/check', given({ file: `${this.process}.bpmn`, key: this.keyIn() }));
      const found = await send<Schemas['CheckedOut']>('POST', path, xml, 'application/xml');
      if (number !== this.checkNumber || this.closed) return;
      this.set({ findings: found.findings, nodes: found.nodes, checked: true, checkError: null });
      this.get<BadgesService>('segueBadges').show(badgesOf(found.findings));
    } catch (error) {
      if (number === this.checkNumber && !this.closed) this.set({ checked: true, checkError: error as Error });
    }
  }

  /** Keep in this browser what is not saved; the file as it is now. */
  async keep(): Promise<string> {
    const xml = await xmlOf(this.made);
    if (this.mayEdit && !this.closed && xml !== this.savedXml) remember(this.process, this.keptOf(xml));
    return xml;
  }

  private keptOf(xml: string): Kept {
    return { xml, at: Date.now(), version: this.state.version?.version ?? null, revision: this.state.revision };
  }

  private keyIn(): string | undefined {
    const { key } = this.state;
    return key !== undefined && this.processes().length > 1 && this.processes().some((each) => each.id === key) ? key : undefined;
  }

  // -- saving ------------------------------------------------------------------------------------------------------

  private async autosave(): Promise<void> {
    await this.save({ auto: true }).catch(() => undefined);
  }

  /** Save now, if there is something to save. Throws what the server refuses; a conflict is a state besides. */
  save(how: { auto?: boolean; note?: string; over?: string } = {}): Promise<Schemas['DraftOut'] | null> {
    const next = this.saveRunning.then(() => this.saveOnce(how));
    this.saveRunning = next.catch(() => undefined);
    return next;
  }

  private async saveOnce({ auto = false, note, over }: { auto?: boolean; note?: string; over?: string }): Promise<Schemas['DraftOut'] | null> {
    if (!this.modeler || !this.mayEdit) return null;
    const xml = await xmlOf(this.modeler);
    if (auto && (this.state.status === 'conflict' || xml === this.savedXml)) {
      if (xml === this.savedXml && this.state.version && this.state.status === 'changed') this.set({ status: 'saved' });
      return null;
    }
    clearTimeout(this.saver);
    this.set({ status: 'saving', error: null });
    try {
      const answer = await this.put(xml, auto, note ?? this.state.version?.note ?? '', over);
      await this.settled(xml, answer);
      return answer;
    } catch (error) {
      if (this.closed) return null;
      const conflict = error instanceof Problem && error.code === 'draft-changed';
      this.set({ status: conflict ? 'conflict' : 'failed', error: error as Error });
      if (auto && !conflict && !(error instanceof Problem && error.status >= 400 && error.status < 500)) {
        this.saver = setTimeout(() => void this.autosave(), RETRY_MS);
      }
      throw error;
    }
  }

  private put(xml: string, auto: boolean, note: string, over: string | undefined): Promise<Schemas['DraftOut']> {
    const expected = over ?? this.state.revision;
    const path = `/api/v1/processes/${encodeURIComponent(this.process)}/draft`;
    // Of a version that was published the note is its own.
    const own = this.state.version?.state === 'draft' || note !== this.state.version?.note ? note : '';
    const query = given({ file: `${this.process}.bpmn`, key: this.keyIn(), note: own, auto: auto ? 'true' : undefined });
    return send('PUT', href(path, query), xml, 'application/xml', expected === null ? { 'If-None-Match': '*' } : { 'If-Match': `"${expected}"` });
  }

  private async settled(xml: string, answer: Schemas['DraftOut']): Promise<void> {
    if (this.closed) return;
    if (!answer.stored) {
      this.set({ status: 'layout' });
      return;
    }
    this.savedXml = xml;
    forget(this.process);
    const now = this.modeler ? await xmlOf(this.modeler) : xml;
    if (this.closed) return;
    const status = now === xml ? (answer.published ? 'saved' : 'draftSaved') : 'changed';
    const before = this.state.version;
    this.set({ status, revision: answer.revision, changes: [], lost: [] });
    if (before?.version !== answer.version || before.state !== answer.state) {
      const process = await ask(api.GET('/api/v1/processes/{process}', { params: { path: { process: this.process } } }));
      this.set({ version: process.versions.find((each) => each.version === answer.version) ?? null });
    }
    this.stale();
    if (status === 'changed') this.saver = setTimeout(() => void this.autosave(), SAVE_MS);
  }

  /** Save, then publish what was saved. Throws what the server refuses. */
  async publish(note: string): Promise<number> {
    const saved = await this.save({ note });
    const number = saved?.version ?? this.state.version?.version;
    if (number === undefined) throw new Error('Nothing was saved');
    const params = { path: { process: this.process, number } };
    const version = await ask(api.POST('/api/v1/processes/{process}/versions/{number}/publish', { params }));
    this.set({ version, status: 'saved' });
    this.stale();
    return version.version;
  }

  /** What is there now takes the place of one's own work, which stays in this browser. */
  async takeTheirs(version: number): Promise<void> {
    const opened = await ask(api.GET('/api/v1/processes/{process}/versions/{number}/edit', { params: { path: { process: this.process, number: version } } }));
    const mine = await xmlOf(this.made);
    const kept = this.keptOf(mine);
    remember(this.process, kept, 'offered');
    forget(this.process);
    const { lost } = await openIn(this.made, opened.xml);
    this.fit();
    this.savedXml = await xmlOf(this.made);
    this.set({ version: opened.version, revision: opened.revision, changes: opened.changes, lost, status: 'saved', error: null, kept });
    void this.check();
  }

  // -- drawing -----------------------------------------------------------------------------------------------------

  async arrange(): Promise<void> {
    const xml = undrawn(await xmlOf(this.made));
    const { xml: drawn } = await send<Schemas['ConvertedOut']>('POST', '/api/v1/files/open', xml, 'application/xml');
    const places = await placesOf(this.get<ModdleModel>('moddle'), drawn);
    this.get<ArrangeService>('segueArrange').apply(places);
    this.fit();
  }

  async takeKept(): Promise<void> {
    if (!this.state.kept) return;
    await this.replace(this.state.kept.xml);
    await this.keep();
    this.dropKept();
  }

  dropKept(): void {
    forget(this.process, 'offered');
    this.set({ kept: null });
  }

  undo(): void {
    this.get<CommandStack>('commandStack').undo();
  }

  redo(): void {
    this.get<CommandStack>('commandStack').redo();
  }

  set(part: Partial<State>): void {
    this.state = { ...this.state, ...part };
    for (const listener of this.listeners) listener();
  }
}

function badgesOf(findings: Finding[]): Badge[] {
  const found = new Map<string, Badge>();
  const rank = { error: 2, warning: 1, info: 0 };
  for (const { node, severity, message } of findings) {
    if (!node || severity === 'info') continue;
    const badge = found.get(node);
    if (!badge) found.set(node, { node, severity, texts: [message] });
    else {
      badge.texts.push(message);
      if (rank[severity] > rank[badge.severity]) badge.severity = severity;
    }
  }
  return [...found.values()];
}

export const isFlow = (element: Shape | undefined): boolean => is(element, 'bpmn:SequenceFlow');

// The live stream: one EventSource for the whole admin. The browser resumes with the id of the last event it saw.
import { useSyncExternalStore } from 'react';

export type LiveState = 'connecting' | 'live' | 'stale';

export interface ServerEvent {
  kind: string;
  at: number;
  process?: string;
  version?: number;
  instance?: string;
  node?: string;
  message?: string;
  detail?: string;
}

export const KINDS = [
  'instance-finished',
  'instance-failed',
  'instance-cancelled',
  'message-in-trash',
  'version-published',
  'version-enabled',
  'version-disabled',
  'version-retired',
  'worker-down',
  'worker-up',
  'control-service-restarted',
  'schedule-missed',
  'service-unavailable',
  'service-back',
  'access-expiring',
  'data-error',
  'limit-reached',
  'queue-too-old',
  'queue-too-long',
  'queue-back',
  'version-switched',
  'workers-changed',
  'deployer-changed',
  'limits-changed',
  'restart-asked',
];

/** The lists that an event makes old. */
export function touched(kind: string): string[] {
  if (kind.startsWith('instance-')) return ['instances', 'instance', 'queues', 'tasks', 'processes', 'logs', 'trash'];
  if (kind === 'message-in-trash') return ['trash', 'queues', 'instances', 'instance', 'logs', 'processes'];
  if (kind.startsWith('version-')) return ['processes', 'services', 'queues', 'trash', 'audit'];
  if (kind.startsWith('limit')) return ['limits', 'queues'];
  if (kind === 'access-expiring') return ['installs', 'installed', 'applications'];
  if (kind === 'schedule-missed') return ['schedules'];
  return ['services', 'queues', 'workers'];
}

const RETRY_MS = 3000;
// Events come in swarms; what they make old is asked for again once per this time.
const GATHER_MS = 500;

export class LiveStream {
  state: LiveState = 'connecting';
  private source: EventSource | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private gathered = new Set<string>();
  private flushing: ReturnType<typeof setTimeout> | null = null;
  private listeners = new Set<() => void>();
  private wasLive = false;

  constructor(
    private readonly open: () => EventSource,
    private readonly refresh: (lists: string[] | 'all') => void,
  ) {}

  start(): void {
    this.connect();
  }

  stop(): void {
    this.source?.close();
    this.source = null;
    if (this.timer !== null) clearTimeout(this.timer);
    if (this.flushing !== null) clearTimeout(this.flushing);
    this.timer = this.flushing = null;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private connect(): void {
    const source = (this.source = this.open());
    source.onopen = () => {
      this.become('live');
      // What happened while nobody listened may not be among the events that come now.
      if (this.wasLive) this.refresh('all');
      this.wasLive = true;
    };
    source.onerror = () => {
      this.become('stale');
      // The browser tries again by itself unless the server refused; then it is for us to do.
      if (source.readyState === 2 && this.timer === null) {
        this.timer = setTimeout(() => {
          this.timer = null;
          this.connect();
        }, RETRY_MS);
      }
    };
    for (const kind of KINDS) source.addEventListener(kind, () => this.gather(kind));
  }

  private gather(kind: string): void {
    for (const list of touched(kind)) this.gathered.add(list);
    this.flushing ??= setTimeout(() => {
      this.flushing = null;
      const lists = [...this.gathered];
      this.gathered.clear();
      this.refresh(lists);
    }, GATHER_MS);
  }

  private become(state: LiveState): void {
    if (this.state === state) return;
    this.state = state;
    for (const listener of this.listeners) listener();
  }
}

export function useLiveState(stream: LiveStream): LiveState {
  return useSyncExternalStore(stream.subscribe, () => stream.state);
}

// How the parts of the editor read the session, and fields that belong to the drawing.
import { useQueries } from '@tanstack/react-query';
import { createContext, useContext, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';

import { api, ask, type Schemas } from '../api/client';
import { useWorkers } from '../api/queries';
import type { Offer } from './kinds';
import type { Session, State } from './session';

export const SessionContext = createContext<Session | null>(null);

export function useSession(): [Session, State] {
  const session = useContext(SessionContext);
  if (!session) throw new Error('No editor is open here');
  return [session, useSyncExternalStore(session.subscribe, () => session.state)];
}

const IDLE_MS = 600;

/** A text that is written while one types, and given to the drawing when one pauses, leaves or presses Enter. */
export function useDraftText(value: string, commit: (text: string) => void) {
  const [text, setText] = useState(value);
  const typing = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const latest = useRef({ text, commit, value });
  latest.current = { text, commit, value };
  // What the drawing says is shown, unless it is being written just now.
  useEffect(() => {
    if (typing.current === undefined) setText(value);
  }, [value]);
  const flush = () => {
    if (typing.current === undefined) return;
    clearTimeout(typing.current);
    typing.current = undefined;
    if (latest.current.text !== latest.current.value) latest.current.commit(latest.current.text);
  };
  // Whatever takes the field away does not take the text.
  useEffect(() => flush, []);
  return {
    text,
    set: (next: string) => {
      setText(next);
      latest.current.text = next;
      clearTimeout(typing.current);
      typing.current = setTimeout(flush, IDLE_MS);
    },
    flush,
  };
}

export interface Listings {
  workers: Schemas['WorkerOut'][];
  offers: Offer[];
  /** The workers that do not say now what they offer. */
  away: Set<string>;
  loading: boolean;
}

/** What every worker offers now. */
export function useListings(): Listings {
  const workers = useWorkers();
  const listed = workers.data ?? [];
  const answers = useQueries({
    queries: listed.map(({ name }) => ({
      queryKey: ['workers', name, 'actions'],
      retry: false,
      staleTime: 15_000,
      refetchInterval: 30_000,
      queryFn: () => ask(api.GET('/api/v1/workers/{name}/actions', { params: { path: { name } } })),
    })),
  });
  const state = answers.map((each) => `${each.status}${each.dataUpdatedAt}`).join();
  return useMemo(
    () => ({
      workers: listed,
      offers: answers.flatMap((each, index) =>
        (each.data ?? []).map((action) => ({
          worker: listed[index]!.name,
          name: action.name,
          kind: action.kind,
          application: action.application ?? null,
        })),
      ),
      away: new Set(answers.flatMap((each, index) => (each.isError ? [listed[index]!.name] : []))),
      loading: workers.isPending || answers.some((each) => each.isPending),
    }),
    // The answers are new objects each time; what they say is in `state`.
    [workers.data, state],
  );
}

export function useDebounced<T>(value: T, ms: number): T {
  const [held, setHeld] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setHeld(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return held;
}

// What the pages ask the server for, each under the key that the live stream refreshes.
import { keepPreviousData, useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { notifications } from '@mantine/notifications';

import { api, ask, askText, Problem, type Schemas } from './client';

// Queues move without events, so what shows them asks again by itself while it is looked at.
const SOON = 3000;

export interface PlacedWhere {
  process?: string | undefined;
  version?: number | undefined;
  node?: string | undefined;
  reason_code?: string | undefined;
  instance?: string | undefined;
  cause?: string | undefined;
  text?: string | undefined;
}

/** All processes, page after page: the tree and the search need them whole. */
export function useProcesses(enabled = true) {
  return useQuery({
    enabled,
    queryKey: ['processes'],
    queryFn: async () => {
      const found: Schemas['ProcessOut'][] = [];
      let cursor: string | undefined;
      do {
        const page: Schemas['Listed_ProcessOut_'] = await ask(
          api.GET('/api/v1/processes', { params: { query: { limit: 500, ...(cursor ? { cursor } : {}) } } }),
        );
        found.push(...page.items);
        cursor = page.next ?? undefined;
      } while (cursor !== undefined);
      return found;
    },
  });
}

export function useProcess(process: string, enabled = true) {
  return useQuery({
    enabled,
    queryKey: ['processes', process],
    queryFn: () => ask(api.GET('/api/v1/processes/{process}', { params: { path: { process } } })),
    refetchInterval: SOON * 2,
  });
}

export function useDrawing(process: string, version: number | undefined) {
  return useQuery({
    queryKey: ['drawing', process, version],
    enabled: version !== undefined,
    queryFn: () => askText(`/api/v1/processes/${encodeURIComponent(process)}/versions/${version}/drawing`),
  });
}

export function nodesOf(process: string, version: number) {
  return {
    queryKey: ['nodes', process, version],
    queryFn: () => ask(api.GET('/api/v1/processes/{process}/versions/{number}/nodes', { params: { path: { process, number: version } } })),
  };
}

export function useNodes(process: string, version: number | undefined) {
  return useQuery({ ...nodesOf(process, version ?? 0), enabled: version !== undefined });
}

export function useFindings(process: string, version: number, open: boolean) {
  return useQuery({
    queryKey: ['findings', process, version],
    enabled: open,
    queryFn: () =>
      ask(
        api.GET('/api/v1/processes/{process}/versions/{number}/findings', {
          params: { path: { process, number: version } },
        }),
      ),
  });
}

export function useDiff(process: string, from: number, to: number) {
  return useQuery({
    queryKey: ['diff', process, from, to],
    queryFn: () =>
      ask(api.GET('/api/v1/processes/{process}/diff', { params: { path: { process }, query: { from, to } } })),
  });
}

export function useQueues(process?: string) {
  return useQuery({
    queryKey: ['queues', process ?? null],
    queryFn: () => ask(api.GET('/api/v1/queues', { params: { query: process ? { process } : {} } })),
    refetchInterval: SOON,
  });
}

export function useServices() {
  return useQuery({
    queryKey: ['services'],
    queryFn: () => ask(api.GET('/api/v1/services')),
    refetchInterval: SOON * 2,
  });
}

/** Those of every process of the installation, every copy. */
export function useControlServices() {
  return useQuery({
    queryKey: ['services', 'all'],
    queryFn: () => ask(api.GET('/api/v1/control-services')).then((page) => page.items),
    refetchInterval: SOON * 2,
  });
}

export interface InstanceWhere {
  process?: string | undefined;
  version?: number | undefined;
  state?: 'running' | 'finished' | 'failed' | 'cancelled' | undefined;
  since?: number | undefined;
  until?: number | undefined;
}

export function useInstances(where: InstanceWhere, limit = 50) {
  return useInfiniteQuery({
    queryKey: ['instances', where, limit],
    initialPageParam: undefined as string | undefined,
    placeholderData: keepPreviousData,
    queryFn: ({ pageParam }) =>
      ask(
        api.GET('/api/v1/instances', {
          params: { query: { ...given(where), limit, ...(pageParam ? { cursor: pageParam } : {}) } },
        }),
      ),
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

export function useInstance(id: string) {
  return useQuery({
    queryKey: ['instance', id],
    queryFn: () => ask(api.GET('/api/v1/instances/{id}', { params: { path: { id } } })),
    refetchInterval: (query) => (query.state.data?.state === 'running' ? SOON : false),
  });
}

export function usePlaced(place: 'trash' | 'tasks', where: PlacedWhere, limit = 50) {
  return useInfiniteQuery({
    queryKey: [place, where, limit],
    initialPageParam: undefined as string | undefined,
    placeholderData: keepPreviousData,
    queryFn: ({ pageParam }) => {
      const query = { ...given(where), limit, ...(pageParam ? { cursor: pageParam } : {}) };
      return ask(
        place === 'trash'
          ? api.GET('/api/v1/trash', { params: { query } })
          : api.GET('/api/v1/tasks', { params: { query } }),
      );
    },
    getNextPageParam: (page) => page.next ?? undefined,
    refetchInterval: SOON * 2,
  });
}

export function usePlacedOne(place: 'trash' | 'tasks', id: string) {
  return useQuery({
    queryKey: ['placed', place, id],
    retry: false,
    // A person edits it: what they see must not change under their hands.
    refetchOnWindowFocus: false,
    staleTime: Infinity,
    gcTime: 0,
    queryFn: () =>
      ask(
        place === 'trash'
          ? api.GET('/api/v1/trash/{id}', { params: { path: { id } } })
          : api.GET('/api/v1/tasks/{id}', { params: { path: { id } } }),
      ),
  });
}

export function useWorkers() {
  return useQuery({
    queryKey: ['workers'],
    queryFn: async () => (await ask(api.GET('/api/v1/workers', { params: { query: { limit: 500 } } }))).items,
  });
}

export function workerCheck(name: string) {
  return {
    queryKey: ['workers', name, 'check'],
    refetchInterval: 30_000,
    queryFn: () => ask(api.GET('/api/v1/workers/{name}/check', { params: { path: { name } } })),
  };
}

export function useWorkerCheck(name: string) {
  return useQuery(workerCheck(name));
}

export function useWorkerActions(name: string, open: boolean) {
  return useQuery({
    queryKey: ['workers', name, 'actions'],
    enabled: open,
    retry: false,
    queryFn: () => ask(api.GET('/api/v1/workers/{name}/actions', { params: { path: { name } } })),
  });
}

export interface LogWhere {
  level?: 'debug' | 'info' | 'warning' | 'error' | undefined;
  text?: string | undefined;
  process?: string | undefined;
  instance?: string | undefined;
  message?: string | undefined;
  since?: number | undefined;
}

export function useLogs(where: LogWhere, order: 'newest' | 'oldest', limit = 100) {
  return useInfiniteQuery({
    queryKey: ['logs', where, order, limit],
    initialPageParam: undefined as string | undefined,
    placeholderData: keepPreviousData,
    queryFn: ({ pageParam }) =>
      ask(
        api.GET('/api/v1/logs', {
          params: { query: { ...given(where), order, limit, ...(pageParam ? { cursor: pageParam } : {}) } },
        }),
      ),
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

export function useAround(seq: number | undefined, count: number, same: boolean) {
  return useQuery({
    queryKey: ['around', seq, count, same],
    enabled: seq !== undefined,
    placeholderData: keepPreviousData,
    queryFn: () =>
      ask(api.GET('/api/v1/logs/{seq}/context', { params: { path: { seq: seq ?? 0 }, query: { count, same_instance: same } } })),
  });
}

export function useContent(instance: string, message: string | null) {
  return useQuery({
    queryKey: ['content', instance, message],
    enabled: message !== null,
    staleTime: 60_000,
    queryFn: () =>
      ask(api.GET('/api/v1/instances/{id}/messages/{message}', { params: { path: { id: instance, message: message ?? '' } } })),
  });
}

/** A search answers what it found in a moment, and how far it came; `next` leads on. */
export function useSearch(where: InstanceWhere, match: string, limit = 50) {
  return useInfiniteQuery({
    queryKey: ['instance-search', where, match, limit],
    enabled: match !== '',
    initialPageParam: undefined as string | undefined,
    retry: false,
    queryFn: ({ pageParam }) =>
      ask(
        api.GET('/api/v1/instance-search', {
          params: { query: { ...given(where), match, limit, ...(pageParam ? { cursor: pageParam } : {}) } },
        }),
      ),
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

export function useTest(process: string, version: number, on: boolean) {
  return useQuery({
    queryKey: ['test', process, version],
    enabled: on,
    retry: false,
    staleTime: Infinity,
    queryFn: () =>
      ask(api.GET('/api/v1/processes/{process}/versions/{number}/test', { params: { path: { process, number: version } } })),
  });
}

export function useStatistics(process: string, version: number, on = true) {
  return useQuery({
    queryKey: ['statistics', process, version],
    enabled: on,
    refetchInterval: 10_000,
    queryFn: () =>
      ask(api.GET('/api/v1/processes/{process}/versions/{number}/statistics', { params: { path: { process, number: version } } })),
  });
}

export function useLastMessages(process: string, number: number, node: string) {
  return useQuery({
    queryKey: ['last', process, number, node],
    refetchInterval: SOON * 2,
    queryFn: () =>
      ask(
        api.GET('/api/v1/processes/{process}/versions/{number}/nodes/{node}/messages', {
          params: { path: { process, number, node } },
        }),
      ),
  });
}

export interface FigureWhere {
  span: 'minute' | 'hour' | 'day';
  process?: string | undefined;
  version?: number | undefined;
}

export function useFigures(where: FigureWhere) {
  return useQuery({
    queryKey: ['figures', where],
    refetchInterval: 10_000,
    placeholderData: keepPreviousData,
    queryFn: async () => {
      const query = given(where);
      const [summary, points] = await Promise.all([
        ask(api.GET('/api/v1/metrics/summary', { params: { query } })),
        ask(api.GET('/api/v1/metrics/processes', { params: { query } })),
      ]);
      return { ...summary, points };
    },
  });
}

export function useBottlenecks(process?: string) {
  return useQuery({
    queryKey: ['bottlenecks', process ?? null],
    refetchInterval: 5_000,
    queryFn: () => ask(api.GET('/api/v1/metrics/bottleneck', { params: { query: process ? { process } : {} } })),
  });
}

export function useTraffic(process?: string) {
  return useQuery({
    queryKey: ['traffic', process ?? null],
    refetchInterval: 10_000,
    queryFn: () => ask(api.GET('/api/v1/traffic', { params: { query: process ? { process } : {} } })),
  });
}

export function useSchedules(process?: string) {
  return useQuery({
    queryKey: ['schedules', process ?? null],
    queryFn: async () =>
      (await ask(api.GET('/api/v1/schedules', { params: { query: { limit: 500, ...(process ? { process } : {}) } } }))).items,
    refetchInterval: 15_000,
  });
}

export function useSystem() {
  return useQuery({ queryKey: ['system'], queryFn: () => ask(api.GET('/api/v1/system')), refetchInterval: 10_000 });
}

export function useSettings() {
  return useQuery({ queryKey: ['settings'], queryFn: () => ask(api.GET('/api/v1/settings')) });
}

export interface ActivityWhere {
  by?: string | undefined;
  action?: string | undefined;
  about?: string | undefined;
  since?: number | undefined;
}

export function useActivity(where: ActivityWhere, limit = 50) {
  return useInfiniteQuery({
    queryKey: ['activity', where, limit],
    initialPageParam: undefined as string | undefined,
    placeholderData: keepPreviousData,
    queryFn: ({ pageParam }) =>
      ask(
        api.GET('/api/v1/activity', {
          params: { query: { ...given(where), limit, ...(pageParam ? { cursor: pageParam } : {}) } },
        }),
      ),
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

export function useInvitations() {
  return useQuery({ queryKey: ['invitations'], queryFn: () => ask(api.GET('/api/v1/invitations')) });
}

export function useAudit() {
  return useQuery({ queryKey: ['audit'], queryFn: () => ask(api.GET('/api/v1/audit')) });
}

export function useTokens() {
  return useQuery({
    queryKey: ['tokens'],
    queryFn: async () => (await ask(api.GET('/api/v1/tokens', { params: { query: { limit: 500 } } }))).items,
  });
}

export function useUsers() {
  return useQuery({ queryKey: ['users'], queryFn: () => ask(api.GET('/api/v1/users')) });
}

export function useSessions() {
  return useQuery({ queryKey: ['sessions'], queryFn: () => ask(api.GET('/api/v1/sessions')) });
}

/** A change: says so when it is done, shows the server's reason when it is not, and makes the named lists fresh. */
export function useChange<V, R>(
  change: (value: V) => Promise<R>,
  options: { fresh: string[]; said?: (result: R, value: V) => string | null; done?: (result: R, value: V) => void },
) {
  const client = useQueryClient();
  return useMutation<R, Error, V>({
    mutationFn: change,
    onSuccess: async (result, value) => {
      const said = options.said?.(result, value);
      if (said) notifications.show({ message: said, color: 'teal' });
      options.done?.(result, value);
      await Promise.all(options.fresh.map((key) => client.invalidateQueries({ queryKey: [key] })));
    },
    onError: (error) => notifications.show(noticeOf(error)),
  });
}

export function noticeOf(error: Error) {
  return {
    color: 'red',
    title: error instanceof Problem ? error.code : undefined,
    message: error.message,
    autoClose: 12_000,
  };
}

/** Only what was given: the server refuses fields that are empty. */
export function given<T extends object>(where: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(where).filter(([, value]) => value !== undefined && value !== ''),
  ) as { [K in keyof T]: Exclude<T[K], undefined> };
}

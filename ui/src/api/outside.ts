// What the pages about the world outside ask for: applications, webhooks, notices.
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';

import { api, ask } from './client';
import { given, type PlacedWhere } from './queries';

export function useApplications() {
  return useQuery({ queryKey: ['applications'], queryFn: () => ask(api.GET('/api/v1/applications')), staleTime: 15_000 });
}

export function useInstalls() {
  return useQuery({
    queryKey: ['installs'],
    queryFn: async () => (await ask(api.GET('/api/v1/installs', { params: { query: { limit: 500 } } }))).items,
  });
}

export interface InstallKey {
  worker: string;
  application: string;
  user: string;
}

export function useInstalled(key: InstallKey) {
  return useQuery({
    queryKey: ['installed', key],
    retry: false,
    queryFn: () => ask(api.GET('/api/v1/installs/{worker}/{application}/{user}', { params: { path: key } })),
  });
}

export function useWebhooks() {
  return useQuery({
    queryKey: ['webhooks'],
    queryFn: async () => (await ask(api.GET('/api/v1/webhooks', { params: { query: { limit: 500 } } }))).items,
  });
}

export function useDeliveries(id: string) {
  return useInfiniteQuery({
    queryKey: ['deliveries', id],
    initialPageParam: undefined as string | undefined,
    refetchInterval: 5_000,
    queryFn: ({ pageParam }) =>
      ask(
        api.GET('/api/v1/webhooks/{id}/deliveries', {
          params: { path: { id }, query: { limit: 20, ...(pageParam ? { cursor: pageParam } : {}) } },
        }),
      ),
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

export function useSenders() {
  return useQuery({
    queryKey: ['senders'],
    queryFn: async () => (await ask(api.GET('/api/v1/senders', { params: { query: { limit: 500 } } }))).items,
  });
}

export function useRules() {
  return useQuery({
    queryKey: ['notice-rules'],
    queryFn: async () => (await ask(api.GET('/api/v1/notice-rules', { params: { query: { limit: 500 } } }))).items,
  });
}

export function useNotices(where: { state?: 'gathering' | 'pending' | 'delivered' | 'given-up' | undefined; sender?: string | undefined }) {
  return useInfiniteQuery({
    queryKey: ['notices', where],
    initialPageParam: undefined as string | undefined,
    refetchInterval: 10_000,
    queryFn: ({ pageParam }) =>
      ask(api.GET('/api/v1/notices', { params: { query: { ...given(where), limit: 50, ...(pageParam ? { cursor: pageParam } : {}) } } })),
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

/** What is in trash by cause, the largest first; counted by the server over all of it. */
export function useCauses(where: PlacedWhere, limit = 50) {
  const { process, version, node, reason_code, text } = where;
  return useQuery({
    queryKey: ['trash', 'causes', { process, version, node, reason_code, text }, limit],
    refetchInterval: 6_000,
    queryFn: async () =>
      (await ask(api.GET('/api/v1/trash/causes', { params: { query: { ...given({ process, version, node, reason_code, text }), limit } } }))).items,
  });
}

/** How many messages wait for a person at each node, the most first; counted by the server over all of them. */
export function useNodeCounts(place: 'trash' | 'tasks', where: { process?: string | undefined; version?: number | undefined }, limit = 100) {
  return useQuery({
    queryKey: [place, 'nodes', where, limit],
    refetchInterval: 6_000,
    queryFn: async () => {
      const params = { query: { ...given(where), limit } };
      const asked = place === 'trash' ? api.GET('/api/v1/trash/nodes', { params }) : api.GET('/api/v1/tasks/nodes', { params });
      return (await ask(asked)).items;
    },
  });
}

export function useOperations() {
  return useQuery({
    queryKey: ['operations'],
    queryFn: async () => (await ask(api.GET('/api/v1/operations', { params: { query: { limit: 10 } } }))).items,
    // While one runs its progress is looked at; it changes what is in trash.
    refetchInterval: (query) => (query.state.data?.some((each) => each.state === 'running') ? 700 : 10_000),
  });
}

export function useLimits() {
  return useQuery({ queryKey: ['limits'], refetchInterval: 5_000, queryFn: async () => (await ask(api.GET('/api/v1/limits'))).items });
}

// Before anything else: who is there. Without a session the page to sign in, for the one-time link that to begin.
import { Center, Loader } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect } from 'react';
import { useLocation } from 'wouter';

import { api, ask, Problem, setCsrf, whenSignedOut } from './api/client';
import { App } from './App';
import { Join } from './pages/Join';
import { Setup } from './pages/Setup';
import { SignIn } from './pages/SignIn';
import { t } from './texts';
import { Failure } from './ui/parts';
import { WhoContext, type Who } from './who';

export function Entrance() {
  const client = useQueryClient();
  const [path, go] = useLocation();
  const who = useQuery<Who | null>({
    queryKey: ['who'],
    staleTime: Infinity,
    refetchOnWindowFocus: false,
    queryFn: async () => {
      try {
        const found = await ask(api.GET('/api/v1/session'));
        setCsrf(found.csrf);
        return found;
      } catch (error) {
        if (error instanceof Problem && error.status === 401) return null;
        throw error;
      }
    },
  });

  useEffect(
    () =>
      whenSignedOut(() => {
        if (client.getQueryData(['who'])) client.setQueryData(['who'], null);
      }),
    [client],
  );

  const entered = useCallback(
    (found: Who) => {
      // What somebody else saw here before is forgotten; the answer to who it is stays watched.
      client.removeQueries({ predicate: (query) => query.queryKey[0] !== 'who' });
      setCsrf(found.csrf);
      client.setQueryData(['who'], found);
      if (path === '/sign-in' || path === '/setup' || path === '/join') go('/', { replace: true });
    },
    [client, go, path],
  );

  if (path === '/setup') return <Setup entered={entered} />;
  if (path === '/join') return <Join entered={entered} />;
  if (who.error) return <Failure error={who.error} retry={() => void who.refetch()} />;
  if (who.data === undefined) {
    return (
      <Center h="100vh" role="status" aria-label={t.loading}>
        <Loader />
      </Center>
    );
  }
  if (who.data === null) return <SignIn entered={entered} />;
  return (
    <WhoContext value={who.data}>
      <App />
    </WhoContext>
  );
}

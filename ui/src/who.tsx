// Who is signed in and what they may do; the server decides, this only spares people buttons that would be refused.
import { createContext, useContext } from 'react';

import type { Schemas } from './api/client';

export type Who = Schemas['WhoOut'];
export type Scope = 'start' | 'read' | 'operate' | 'edit' | 'admin';

export const WhoContext = createContext<Who | null>(null);

export function useWho(): Who {
  const who = useContext(WhoContext);
  if (who === null) throw new Error('Nobody is signed in here');
  return who;
}

export function useMay(scope: Scope): boolean {
  return useWho().scopes.includes(scope);
}

// The pages of the menu, and the scope that each needs.
import {
  IconChecklist,
  IconClipboardCheck,
  IconHome,
  IconKey,
  IconNotes,
  IconPlugConnected,
  IconRun,
  IconSitemap,
  IconTrash,
  IconUser,
  IconUsers,
} from '@tabler/icons-react';

import { t } from './texts';
import type { Scope } from './who';

export interface Place {
  href: string;
  name: string;
  icon: typeof IconHome;
  needs: Scope;
}

export const PLACES: Place[] = [
  { href: '/', name: t.nav.home, icon: IconHome, needs: 'read' },
  { href: '/processes', name: t.nav.processes, icon: IconSitemap, needs: 'read' },
  { href: '/instances', name: t.nav.instances, icon: IconRun, needs: 'read' },
  { href: '/trash', name: t.nav.trash, icon: IconTrash, needs: 'read' },
  { href: '/tasks', name: t.nav.tasks, icon: IconChecklist, needs: 'read' },
  { href: '/workers', name: t.nav.workers, icon: IconPlugConnected, needs: 'read' },
  { href: '/logs', name: t.nav.logs, icon: IconNotes, needs: 'read' },
  { href: '/audit', name: t.nav.audit, icon: IconClipboardCheck, needs: 'read' },
  { href: '/tokens', name: t.nav.tokens, icon: IconKey, needs: 'admin' },
  { href: '/users', name: t.nav.users, icon: IconUsers, needs: 'admin' },
  { href: '/account', name: t.nav.account, icon: IconUser, needs: 'read' },
];

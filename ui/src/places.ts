// The pages of the menu, and the scope that each needs.
import {
  IconChecklist,
  IconClipboardCheck,
  IconApps,
  IconBell,
  IconCalendarClock,
  IconChartBar,
  IconGauge,
  IconHeartbeat,
  IconHelp,
  IconHistory,
  IconHome,
  IconKey,
  IconNotes,
  IconPlugConnected,
  IconRun,
  IconServer2,
  IconSettings,
  IconSitemap,
  IconTrash,
  IconUser,
  IconUsers,
  IconWebhook,
} from '@tabler/icons-react';

import { t } from './texts';
import type { Scope } from './who';

export interface Place {
  href: string;
  name: string;
  icon: typeof IconHome;
  needs: Scope;
  group: keyof typeof t.nav.groups;
}

export const PLACES: Place[] = [
  { href: '/', name: t.nav.home, icon: IconHome, needs: 'read', group: 'work' },
  { href: '/processes', name: t.nav.processes, icon: IconSitemap, needs: 'read', group: 'work' },
  { href: '/instances', name: t.nav.instances, icon: IconRun, needs: 'read', group: 'work' },
  { href: '/trash', name: t.nav.trash, icon: IconTrash, needs: 'read', group: 'work' },
  { href: '/tasks', name: t.nav.tasks, icon: IconChecklist, needs: 'read', group: 'work' },
  { href: '/schedules', name: t.nav.schedules, icon: IconCalendarClock, needs: 'read', group: 'run' },
  { href: '/workers', name: t.nav.workers, icon: IconPlugConnected, needs: 'read', group: 'run' },
  { href: '/applications', name: t.applications.title, icon: IconApps, needs: 'read', group: 'run' },
  { href: '/hooks', name: t.hooks.title, icon: IconWebhook, needs: 'read', group: 'run' },
  { href: '/limits', name: t.limits.title, icon: IconGauge, needs: 'read', group: 'run' },
  { href: '/services', name: t.nav.services, icon: IconServer2, needs: 'read', group: 'run' },
  { href: '/statistics', name: t.statistics.title, icon: IconChartBar, needs: 'read', group: 'look' },
  { href: '/logs', name: t.nav.logs, icon: IconNotes, needs: 'read', group: 'look' },
  { href: '/notices', name: t.notices.title, icon: IconBell, needs: 'read', group: 'look' },
  { href: '/health', name: t.nav.health, icon: IconHeartbeat, needs: 'read', group: 'look' },
  { href: '/audit', name: t.nav.audit, icon: IconClipboardCheck, needs: 'read', group: 'look' },
  { href: '/activity', name: t.nav.activity, icon: IconHistory, needs: 'admin', group: 'look' },
  { href: '/users', name: t.nav.users, icon: IconUsers, needs: 'admin', group: 'set' },
  { href: '/tokens', name: t.nav.tokens, icon: IconKey, needs: 'admin', group: 'set' },
  { href: '/settings', name: t.nav.settings, icon: IconSettings, needs: 'admin', group: 'set' },
  { href: '/account', name: t.nav.account, icon: IconUser, needs: 'read', group: 'set' },
  { href: '/help', name: t.nav.help, icon: IconHelp, needs: 'read', group: 'set' },
];

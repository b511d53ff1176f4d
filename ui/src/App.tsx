// The frame around every page: navigation, the live badge, who is signed in; and which page belongs to which address.
import {
  AppShell,
  Badge,
  Burger,
  Center,
  Group,
  Kbd,
  Loader,
  Menu,
  NavLink,
  ScrollArea,
  SegmentedControl,
  Text,
  Tooltip,
  UnstyledButton,
  useMantineColorScheme,
} from '@mantine/core';
import { useDisclosure, useHotkeys } from '@mantine/hooks';
import { IconList, IconSearch, IconUser } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense, useEffect, useMemo } from 'react';
import { Link, Redirect, Route, Switch, useLocation } from 'wouter';

import { api, ask } from './api/client';
import { useChange } from './api/queries';
import { LiveStream, useLiveState } from './live/events';
import { PLACES } from './places';
import { t } from './texts';
import { Palette } from './ui/Palette';
import { Tour } from './ui/Tour';
import { useWho } from './who';

const GROUPS = ['work', 'run', 'look', 'set'] as const;

const Home = lazy(() => import('./pages/Home'));
const Processes = lazy(() => import('./pages/Processes'));
const ProcessPage = lazy(() => import('./pages/Process'));
const EditorPage = lazy(() => import('./editor/Editor'));
const Instances = lazy(() => import('./pages/Instances'));
const InstancePage = lazy(() => import('./pages/Instance'));
const Trash = lazy(() => import('./pages/Trash'));
const Tasks = lazy(() => import('./pages/Tasks'));
const Workers = lazy(() => import('./pages/Workers'));
const Applications = lazy(() => import('./pages/Applications'));
const Limits = lazy(() => import('./pages/Limits'));
const Hooks = lazy(() => import('./pages/Hooks'));
const Notices = lazy(() => import('./pages/Notices'));
const Schedules = lazy(() => import('./pages/Schedules'));
const Services = lazy(() => import('./pages/Services'));
const Health = lazy(() => import('./pages/Health'));
const Activity = lazy(() => import('./pages/Activity'));
const Settings = lazy(() => import('./pages/Settings'));
const Help = lazy(() => import('./pages/Help'));
const Logs = lazy(() => import('./pages/Logs'));
const Audit = lazy(() => import('./pages/Audit'));
const Tokens = lazy(() => import('./pages/Tokens'));
const Users = lazy(() => import('./pages/Users'));
const Account = lazy(() => import('./pages/Account'));
const Statistics = lazy(() => import('./pages/Statistics'));
const Lost = lazy(() => import('./pages/Lost'));

export function App() {
  const [open, menu] = useDisclosure();
  const [searching, palette] = useDisclosure();
  const client = useQueryClient();
  const [path] = useLocation();
  const who = useWho();
  useHotkeys([['mod+K', palette.open]], []);
  const stream = useMemo(
    () =>
      new LiveStream(
        () => new EventSource('/api/v1/events'),
        (lists) => {
          if (lists === 'all') void client.invalidateQueries({ predicate: (query) => query.queryKey[0] !== 'who' });
          else for (const list of lists) void client.invalidateQueries({ queryKey: [list] });
        },
      ),
    [client],
  );
  useEffect(() => {
    stream.start();
    return () => stream.stop();
  }, [stream]);
  const closeMenu = menu.close;
  useEffect(closeMenu, [closeMenu, path]);

  return (
    <AppShell header={{ height: 56 }} navbar={{ width: 210, breakpoint: 'sm', collapsed: { mobile: !open } }} padding="md">
      <a className="skip" href="#content">
        {t.skip}
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="xs" wrap="nowrap">
            <Burger opened={open} onClick={menu.toggle} hiddenFrom="sm" size="sm" aria-label={t.nav.menu} />
            <img src="/favicon.svg" alt="" width={28} height={28} />
            <Text fw={700} visibleFrom="xs">
              {t.app}
            </Text>
            <Live stream={stream} />
          </Group>
          <Group gap="xs" wrap="nowrap">
            <UnstyledButton onClick={palette.open} aria-label={`${t.nav.palette} Ctrl K`} px="xs" py={4}>
              <Group gap={6} wrap="nowrap">
                <IconSearch size={18} aria-hidden />
                <Text size="sm" visibleFrom="sm">
                  {t.nav.palette}
                </Text>
                <Kbd visibleFrom="sm">Ctrl K</Kbd>
              </Group>
            </UnstyledButton>
            <Person />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label={t.nav.main}>
        <ScrollArea>
          {GROUPS.map((group) => (
            <div key={group} role="group" aria-label={t.nav.groups[group]}>
              <Text size="xs" c="dimmed" px="xs" pt="xs" aria-hidden>
                {t.nav.groups[group]}
              </Text>
              {PLACES.filter((place) => place.group === group && who.scopes.includes(place.needs)).map((place) => (
                <NavLink
                  key={place.href}
                  component={Link}
                  href={place.href}
                  label={place.name}
                  py={5}
                  leftSection={<place.icon size={18} aria-hidden />}
                  active={isAt(path, place.href)}
                  aria-current={isAt(path, place.href) ? 'page' : undefined}
                  variant="filled"
                />
              ))}
            </div>
          ))}
        </ScrollArea>
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1}>
        <Suspense
          fallback={
            <Center mih={200} role="status" aria-label={t.loading}>
              <Loader />
            </Center>
          }
        >
          <Pages />
        </Suspense>
      </AppShell.Main>
      <Tour />
      <Palette opened={searching} close={palette.close} />
    </AppShell>
  );
}

function Pages() {
  return (
    <Switch>
      <Route path="/" component={Home} />
      <Route path="/processes" component={Processes} />
      <Route path="/process/:name/edit">{({ name }) => <EditorPage key={name} name={decodeURIComponent(name)} />}</Route>
      <Route path="/process/:name">{({ name }) => <ProcessPage key={name} name={decodeURIComponent(name)} />}</Route>
      <Route path="/instances" component={Instances} />
      <Route path="/instance/:id">{({ id }) => <InstancePage key={id} id={decodeURIComponent(id)} />}</Route>
      <Route path="/trash" component={Trash} />
      <Route path="/tasks" component={Tasks} />
      <Route path="/workers" component={Workers} />
      <Route path="/applications" component={Applications} />
      <Route path="/limits" component={Limits} />
      <Route path="/hooks" component={Hooks} />
      <Route path="/notices" component={Notices} />
      <Route path="/schedules" component={Schedules} />
      <Route path="/services" component={Services} />
      <Route path="/health" component={Health} />
      <Route path="/activity" component={Activity} />
      <Route path="/settings" component={Settings} />
      <Route path="/help">{() => <Help />}</Route>
      <Route path="/help/*?">{(parameters) => <Help page={parameters['*'] || undefined} />}</Route>
      <Route path="/statistics" component={Statistics} />
      <Route path="/logs" component={Logs} />
      <Route path="/audit" component={Audit} />
      <Route path="/tokens" component={Tokens} />
      <Route path="/users" component={Users} />
      <Route path="/account" component={Account} />
      <Route path="/join">
        <Redirect to="/" replace />
      </Route>
      <Route path="/sign-in">
        <Redirect to="/" replace />
      </Route>
      <Route component={Lost} />
    </Switch>
  );
}

function isAt(path: string, href: string): boolean {
  if (href === '/processes') return path === href || path.startsWith('/process/');
  if (href === '/instances') return path === href || path.startsWith('/instance/');
  if (href === '/help') return path === href || path.startsWith('/help/');
  return path === href;
}

function Live({ stream }: { stream: LiveStream }) {
  const state = useLiveState(stream);
  const colour = { live: 'teal', stale: 'red', connecting: 'gray' }[state];
  return (
    <Tooltip label={state === 'stale' ? t.live.staleAbout : t.live.liveAbout} multiline maw={260}>
      <Badge className="state" data-colour={colour} color={colour} variant="light" radius="sm" role="status">
        {t.live[state]}
      </Badge>
    </Tooltip>
  );
}

function Person() {
  const who = useWho();
  const client = useQueryClient();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const leave = useChange(() => ask(api.DELETE('/api/v1/session')), {
    fresh: [],
    done: () => {
      client.clear();
      window.location.assign('/');
    },
  });
  return (
    <Menu position="bottom-end" width={260} closeOnItemClick={false}>
      <Menu.Target>
        <UnstyledButton aria-label={who.name} px={4}>
          <Group gap={6} wrap="nowrap">
            <IconUser size={18} aria-hidden />
            <Text size="sm" visibleFrom="md" truncate maw={200}>
              {who.name}
            </Text>
          </Group>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {who.name} · {who.role}
        </Menu.Label>
        <Menu.Item component={Link} href="/account" leftSection={<IconUser size={16} />}>
          {t.nav.account}
        </Menu.Item>
        <Menu.Item closeMenuOnClick onClick={() => leave.mutate(undefined)} leftSection={<IconList size={16} />}>
          {t.nav.signOut}
        </Menu.Item>
        <Menu.Label>{t.theme.label}</Menu.Label>
        <SegmentedControl
          fullWidth
          size="xs"
          aria-label={t.theme.label}
          value={colorScheme}
          onChange={(value) => setColorScheme(value as 'light' | 'dark' | 'auto')}
          data={[
            { value: 'light', label: t.theme.light },
            { value: 'dark', label: t.theme.dark },
            { value: 'auto', label: t.theme.auto },
          ]}
        />
      </Menu.Dropdown>
    </Menu>
  );
}

import { Alert, Anchor, Button, Card, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Link } from 'wouter';

import { useCauses, useNodeCounts } from '../api/outside';
import { useInstances, useProcesses, useQueues, useSchedules, useServices, useTraffic, useWorkers } from '../api/queries';
import { duration } from '../lib/time';
import { href, processHref } from '../lib/url';
import { t } from '../texts';
import { Bars } from '../ui/Bars';
import { Empty, Page, Shown, State, When } from '../ui/parts';
import { WorkerState } from './Workers';

const LISTED = 6;

export default function Home() {
  const causes = useCauses({}, LISTED);
  const tasks = useNodeCounts('tasks', {}, LISTED);
  const services = useServices();
  const processes = useProcesses();
  const traffic = useTraffic();
  const failing = causes.data ?? [];
  const held = (services.data ?? []).flatMap((service) =>
    service.lanes.filter((lane) => lane.held !== null).map((lane) => ({ ...lane, service })),
  );
  const down = (services.data ?? []).filter((service) => service.status !== 'running');
  const known = causes.data !== undefined && services.data !== undefined;
  const broken = failing.length + held.length + down.length > 0;

  return (
    <Page title={t.home.title}>
      {known && (
        <Alert
          color={broken ? 'orange' : 'teal'}
          icon={broken ? <IconAlertTriangle aria-hidden /> : <IconCircleCheck aria-hidden />}
          title={broken ? t.home.broken : t.home.fine}
        >
          <Text size="sm">
            {broken
              ? [
                  failing.length && `${t.many(failing.reduce((sum, group) => sum + group.count, 0), 'message in', 'messages in')} ${t.trash.title.toLowerCase()}`,
                  held.length && t.many(held.length, 'held queue'),
                  down.length && t.many(down.length, 'control service not running', 'control services not running'),
                ]
                  .filter(Boolean)
                  .join(' · ')
              : t.home.fineAbout}
          </Text>
        </Alert>
      )}
      {processes.data?.length === 0 && (
        <Empty title={t.processes.empty} about={t.processes.emptyAbout}>
          <Button component={Link} href="/processes">
            {t.home.toProcesses}
          </Button>
        </Empty>
      )}
      <Card withBorder component="section" aria-label={t.statistics.traffic}>
        <Title order={2} size="h5" mb="xs">
          {t.statistics.traffic}
        </Title>
        <Shown of={traffic} rows={2}>
          {(data) => <Bars minutes={data} />}
        </Shown>
      </Card>
      <SimpleGrid cols={{ base: 1, md: 2, xl: 3 }}>
        <Panel title={t.home.trash} side={<See to="/trash" />}>
          <Shown of={causes} rows={2}>
            {() =>
              failing.length === 0 ? (
                <Nothing text={t.home.trashNone} />
              ) : (
                failing.slice(0, LISTED).map((group) => (
                  <Line
                    key={`${group.process} ${group.cause}`}
                    href={href('/trash', { process: group.process, cause: group.cause })}
                    name={`${group.process} · ${group.node_name}`}
                    side={group.count.toLocaleString('en')}
                    about={group.reason ?? group.reason_code ?? ''}
                  />
                ))
              )
            }
          </Shown>
        </Panel>
        <Panel title={t.home.held}>
          <Shown of={services} rows={2}>
            {() =>
              held.length === 0 ? (
                <Nothing text={t.home.heldNone} />
              ) : (
                held.slice(0, LISTED).map((lane) => (
                  <Line
                    key={`${lane.service.version_id} ${lane.node}`}
                    href={processHref(lane.service.process, { version: lane.service.version, node: lane.node })}
                    name={`${lane.service.process} v${lane.service.version} · ${lane.name}`}
                    about={lane.held ?? ''}
                    side={<When at={lane.held_until} />}
                  />
                ))
              )
            }
          </Shown>
        </Panel>
        <Panel title={t.home.waiting} side={<See to="/tasks" />}>
          <Shown of={tasks} rows={2}>
            {(data) =>
              data.length === 0 ? (
                <Nothing text={t.home.waitingNone} />
              ) : (
                data.map((each) => (
                  <Line
                    key={`${each.process} ${each.version} ${each.node}`}
                    href={href('/tasks', { process: each.process, version: each.version, node: each.node })}
                    name={`${each.process} v${each.version} · ${each.node_name}`}
                    about={
                      <>
                        {t.tasks.oldest} <When at={each.oldest} />
                      </>
                    }
                    side={each.count.toLocaleString('en')}
                  />
                ))
              )
            }
          </Shown>
        </Panel>
        <Panel title={t.home.instances} side={<See to="/instances" />}>
          <InstanceCounts />
        </Panel>
        <Panel title={t.home.queues}>
          <QueueHealth />
        </Panel>
        <Panel title={t.schedules.title} side={<See to="/schedules" />}>
          <NextSchedules />
        </Panel>
        <Panel title={t.home.services} side={<See to="/services" />}>
          <Shown of={services} rows={2}>
            {(data) =>
              data.length === 0 ? (
                <Nothing text={t.home.servicesNone} />
              ) : (
                <>
                  <Text size="sm">{t.home.ups(data.length - down.length, data.length)}</Text>
                  {[...down, ...data.filter((service) => service.status === 'running')].slice(0, LISTED).map((service) => (
                    <Line
                      key={service.version_id}
                      href={processHref(service.process, { version: service.version })}
                      name={`${service.process} v${service.version}`}
                      about={service.last_error ?? ''}
                      side={<State of={service.status} />}
                    />
                  ))}
                </>
              )
            }
          </Shown>
        </Panel>
        <Panel title={t.home.workers} side={<See to="/workers" />}>
          <WorkerList />
        </Panel>
        <Panel title={t.home.recent} side={<See to="/processes" />}>
          <Recent />
        </Panel>
      </SimpleGrid>
    </Page>
  );
}

function InstanceCounts() {
  return (
    <Stack gap="xs">
      {(['running', 'failed', 'finished', 'cancelled'] as const).map((state) => (
        <InstanceCount key={state} state={state} />
      ))}
    </Stack>
  );
}

function InstanceCount({ state }: { state: 'running' | 'failed' | 'finished' | 'cancelled' }) {
  const found = useInstances({ state }, 200);
  const page = found.data?.pages[0];
  return (
    <Group justify="space-between">
      <Anchor component={Link} href={href('/instances', { state })} size="sm" underline="always">
        {t.state[state]}
      </Anchor>
      <Text size="sm" fw={600}>
        {page ? (page.next ? t.trash.atLeast(page.items.length) : page.items.length) : '…'}
      </Text>
    </Group>
  );
}

/** The queues that hold the oldest messages. */
function QueueHealth() {
  const queues = useQueues();
  return (
    <Shown of={queues} rows={2}>
      {(data) => {
        if (data.length === 0) return <Nothing text={t.queues.empty} />;
        const total = data.reduce((sum, queue) => sum + queue.depth + queue.delayed, 0);
        return (
          <>
            <Text size="sm">{t.health.queued(total)}</Text>
            {[...data]
              .sort((a, b) => b.oldest_ms - a.oldest_ms || b.depth - a.depth)
              .slice(0, LISTED)
              .map((queue) => (
                <Line
                  key={`${queue.process} ${queue.version} ${queue.node}`}
                  href={processHref(queue.process, { version: queue.version, node: queue.node })}
                  name={`${queue.process} v${queue.version} · ${queue.node_name}`}
                  about={queue.oldest_ms ? t.health.oldest(duration(queue.oldest_ms)) : ''}
                  side={(queue.depth + queue.delayed).toLocaleString('en')}
                />
              ))}
          </>
        );
      }}
    </Shown>
  );
}

/** What is late first, then what comes next. */
function NextSchedules() {
  const schedules = useSchedules();
  return (
    <Shown of={schedules} rows={2}>
      {(data) => {
        const active = data.filter((one) => one.active && (one.late || one.next.length > 0));
        if (active.length === 0) return <Nothing text={t.schedules.none} />;
        return active
          .sort((a, b) => Number(b.late) - Number(a.late) || (a.next[0] ?? 0) - (b.next[0] ?? 0))
          .slice(0, LISTED)
          .map((one) => (
            <Line
              key={`${one.process} ${one.node}`}
              href={processHref(one.process, { tab: 'settings' })}
              name={`${one.process} · ${one.name}`}
              about={`${one.value} ${one.zone}`}
              side={one.late ? <State of="failed" text={t.schedules.late} /> : <When at={one.next[0]} />}
            />
          ));
      }}
    </Shown>
  );
}

function WorkerList() {
  const workers = useWorkers();
  return (
    <Shown of={workers} rows={2}>
      {(data) =>
        data.length === 0 ? (
          <Nothing text={t.home.workersNone} />
        ) : (
          data.slice(0, LISTED).map((worker) => (
            <Line
              key={worker.name}
              href={href('/workers', { name: worker.name })}
              name={worker.name}
              about={worker.url}
              side={<WorkerState name={worker.name} />}
            />
          ))
        )
      }
    </Shown>
  );
}

function Recent() {
  const processes = useProcesses();
  return (
    <Shown of={processes} rows={2}>
      {(data) => {
        const versions = data
          .flatMap((process) => process.versions.map((version) => ({ process: process.name, ...version })))
          .sort((a, b) => b.created - a.created);
        if (versions.length === 0) return <Nothing text={t.home.recentNone} />;
        return versions.slice(0, LISTED).map((version) => (
          <Line
            key={`${version.process} ${version.version}`}
            href={processHref(version.process, { tab: 'versions' })}
            name={`${version.process} v${version.version}`}
            about={[version.author, version.note].filter(Boolean).join(' · ')}
            side={
              <Group gap="xs" wrap="nowrap">
                <Text size="xs">
                  <When at={version.created} />
                </Text>
                <State of={version.state} />
              </Group>
            }
          />
        ));
      }}
    </Shown>
  );
}

function Panel({ title, side, children }: { title: string; side?: ReactNode; children: ReactNode }) {
  return (
    <Card withBorder component="section" aria-label={title}>
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h5">
          {title}
        </Title>
        {side}
      </Group>
      <Stack gap="xs">{children}</Stack>
    </Card>
  );
}

function See({ to }: { to: string }) {
  return (
    <Anchor component={Link} href={to} size="sm" underline="always">
      {t.home.seeAll}
    </Anchor>
  );
}

function Nothing({ text }: { text: string }) {
  return (
    <Text size="sm" c="dimmed">
      {text}
    </Text>
  );
}

function Line({ href: to, name, about, side }: { href: string; name: string; about?: ReactNode; side?: ReactNode }) {
  return (
    <div>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Anchor component={Link} href={to} size="sm" style={{ overflowWrap: 'anywhere' }} underline="always">
          {name}
        </Anchor>
        <Text size="sm" component="div" style={{ flexShrink: 0 }}>
          {side}
        </Text>
      </Group>
      {about && (
        <Text size="xs" c="dimmed" lineClamp={2} style={{ overflowWrap: 'anywhere' }}>
          {about}
        </Text>
      )}
    </div>
  );
}

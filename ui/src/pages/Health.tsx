import { Alert, Anchor, Card, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck } from '@tabler/icons-react';
import { useQueries } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';

import { useQueues, useServices, useSystem, useWorkers, workerCheck } from '../api/queries';
import { bytes } from '../lib/bytes';
import { duration, instant } from '../lib/time';
import { t } from '../texts';
import { Fact, Page, Shown, State } from '../ui/parts';

const LOW_DISK = 256 * 1024 * 1024;
const DRIFT_MS = 30_000;

export default function Health() {
  const system = useSystem();
  const services = useServices();
  const queues = useQueues();
  const workers = useWorkers();
  const checks = useQueries({ queries: (workers.data ?? []).map((worker) => workerCheck(worker.name)) });
  const down = checks.filter((check) => check.data?.ok === false || check.error).length;
  const stopped = (services.data ?? []).filter((service) => service.status !== 'running').length;
  const low = system.data?.free_bytes != null && system.data.free_bytes < LOW_DISK;
  const drift = system.data ? Math.abs(system.dataUpdatedAt - system.data.now) : 0;
  const well = down === 0 && stopped === 0 && !low;
  return (
    <Page title={t.health.title}>
      {system.data && (
        <Alert
          color={well ? 'teal' : 'orange'}
          icon={well ? <IconCircleCheck aria-hidden /> : <IconAlertTriangle aria-hidden />}
          title={well ? t.health.well : t.home.broken}
        >
          {low && <Text size="sm">{t.health.lowDisk}</Text>}
        </Alert>
      )}
      <Shown of={system} rows={3}>
        {(data) => (
          <Card withBorder>
            <SimpleGrid cols={{ base: 2, sm: 4 }}>
              <Fact name={t.health.version}>{data.version}</Fact>
              <Fact name={t.health.python}>{data.python}</Fact>
              <Fact name={t.health.uptime}>{duration(data.now - data.started)}</Fact>
              <Fact name={t.health.store}>{data.store}</Fact>
              {data.store_bytes !== null && <Fact name={t.health.size}>{bytes(data.store_bytes)}</Fact>}
              {data.free_bytes !== null && <Fact name={t.health.free}>{bytes(data.free_bytes)}</Fact>}
              <Fact name={t.health.clock}>
                {instant(data.now)}
                {drift > DRIFT_MS && ` · ${t.health.drift(duration(drift))}`}
              </Fact>
            </SimpleGrid>
          </Card>
        )}
      </Shown>
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
        <Part title={t.workers.title} bad={down} known={workers.data !== undefined} to="/workers" link={t.health.toWorkers}>
          {t.many(workers.data?.length ?? 0, 'worker')}
        </Part>
        <Part title={t.services.title} bad={stopped} known={services.data !== undefined} fine={t.health.running} to="/services" link={t.health.toServices}>
          {t.many(services.data?.length ?? 0, 'control service')}
        </Part>
        <Part title={t.health.queues} bad={(queues.data ?? []).filter((queue) => queue.held).length} known={queues.data !== undefined} fine={t.health.noneHeld} broken={t.health.held} to="/" link={t.nav.home}>
          {t.health.queued((queues.data ?? []).reduce((sum, queue) => sum + queue.depth + queue.delayed, 0))}
          {oldest(queues.data) > 0 && `, ${t.health.oldest(duration(oldest(queues.data)))}`}
        </Part>
        <Card withBorder>
          <Title order={2} size="h5">
            {t.health.ledger}
          </Title>
          <Text size="sm" my="xs">
            {t.health.ledgerAbout}
          </Text>
          <Anchor component={Link} href="/audit" size="sm" underline="always">
            {t.health.toAudit}
          </Anchor>
        </Card>
      </SimpleGrid>
    </Page>
  );
}

const oldest = (queues: { oldest_ms: number }[] | undefined) => Math.max(0, ...(queues ?? []).map((queue) => queue.oldest_ms));

interface PartProps {
  title: string;
  bad: number;
  known: boolean;
  to: string;
  link: string;
  children: ReactNode;
  fine?: string;
  broken?: (n: number) => string;
}

function Part({ title, bad, known, to, link, children, fine = t.health.allFine, broken = t.health.down }: PartProps) {
  return (
    <Card withBorder>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Title order={2} size="h5">
          {title}
        </Title>
        {known && <State of={bad ? 'failed' : 'finished'} text={bad ? broken(bad) : fine} />}
      </Group>
      <Stack gap={4} mt="xs">
        <Text size="sm">{children}</Text>
        <Anchor component={Link} href={to} size="sm" underline="always">
          {link}
        </Anchor>
      </Stack>
    </Card>
  );
}

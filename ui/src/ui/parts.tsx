// What every page is made of: headings, states, empty and failed lists, confirmations, copies of ids.
import {
  ActionIcon,
  Alert,
  Anchor,
  Badge,
  Box,
  Button,
  Card,
  Code,
  CopyButton,
  Group,
  Modal,
  Skeleton,
  Stack,
  Table,
  Tabs,
  Text,
  Title,
  Tooltip,
  type ButtonProps,
} from '@mantine/core';
import { IconAlertTriangle, IconCheck, IconCopy } from '@tabler/icons-react';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { Link } from 'wouter';

import { Problem } from '../api/client';
import { ago, instant } from '../lib/time';
import { t } from '../texts';
import { useMay, type Scope } from '../who';

export function Page({ title, side, children }: { title: ReactNode; side?: ReactNode; children: ReactNode }) {
  useEffect(() => {
    document.title = typeof title === 'string' ? `${title} · ${t.app}` : t.app;
  }, [title]);
  return (
    <Stack gap="md">
      <Group justify="space-between" align="center" gap="sm">
        <Title order={1} size="h2" style={{ overflowWrap: 'anywhere' }}>
          {title}
        </Title>
        {side !== undefined && <Group gap="xs">{side}</Group>}
      </Group>
      {children}
    </Stack>
  );
}

/** The tabs of a page; the one that is chosen is in sight. */
export function TabLine({ chosen, children }: { chosen: string; children: ReactNode }) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [chosen]);
  return (
    <Tabs.List ref={list} className="tabs">
      {children}
    </Tabs.List>
  );
}

export function Failure({ error, retry }: { error: Error; retry?: () => void }) {
  const code = error instanceof Problem ? error.code : 'unknown';
  const known = error instanceof Problem && error.status !== 0;
  return (
    <Alert color="red" icon={<IconAlertTriangle aria-hidden />} title={error.message} role="alert">
      <Group gap="sm">
        <Text size="sm">{t.code(code)}</Text>
        {known && (
          <Anchor size="sm" href={`/docs/errors/${code}`} target="_blank" rel="noreferrer">
            {t.whatToDo}
          </Anchor>
        )}
        {retry && (
          <Button size="compact-sm" variant="default" onClick={retry}>
            {t.retry}
          </Button>
        )}
      </Group>
    </Alert>
  );
}

export function Empty({ title, about, children }: { title: string; about?: string; children?: ReactNode }) {
  return (
    <Card withBorder padding="xl">
      <Stack align="center" gap="xs">
        <Text fw={600}>{title}</Text>
        {about && (
          <Text size="sm" c="dimmed" ta="center" maw={520}>
            {about}
          </Text>
        )}
        {children}
      </Stack>
    </Card>
  );
}

interface Asked<D> {
  data: D | undefined;
  error: Error | null;
  isPending: boolean;
  refetch: () => unknown;
}

/** Shows what was asked for: a skeleton until it is there, the server's reason when it does not come. */
export function Shown<D>({ of, rows = 4, children }: { of: Asked<D>; rows?: number; children: (data: D) => ReactNode }) {
  if (of.data !== undefined) return <>{children(of.data)}</>;
  if (of.error) return <Failure error={of.error} retry={() => void of.refetch()} />;
  return (
    <Stack gap="xs" role="status" aria-label={t.loading}>
      {Array.from({ length: rows }, (_, row) => (
        <Skeleton key={row} height={36} />
      ))}
    </Stack>
  );
}

const COLOURS: Record<string, string> = {
  draft: 'gray',
  disabled: 'yellow',
  enabled: 'teal',
  retired: 'gray',
  running: 'blue',
  finished: 'teal',
  failed: 'red',
  cancelled: 'gray',
  restarting: 'orange',
  stopped: 'red',
  error: 'red',
  warning: 'orange',
  info: 'blue',
};

export function State({ of, text }: { of: string; text?: string }) {
  return (
    <Badge variant="light" color={COLOURS[of] ?? 'gray'} radius="sm" className="state" data-colour={COLOURS[of] ?? 'gray'}>
      {text ?? t.state[of] ?? of}
    </Badge>
  );
}

let ticking = Date.now();
const watchers = new Set<() => void>();
setInterval(() => {
  ticking = Date.now();
  watchers.forEach((watcher) => watcher());
}, 1000);

export function useNow(): number {
  const [now, setNow] = useState(ticking);
  useEffect(() => {
    const watcher = () => setNow(ticking);
    watchers.add(watcher);
    return () => void watchers.delete(watcher);
  }, []);
  return now;
}

export function When({ at }: { at: number | null | undefined }) {
  const now = useNow();
  if (!at) return <>–</>;
  return (
    <time dateTime={new Date(at).toISOString()} title={instant(at)} style={{ whiteSpace: 'nowrap' }}>
      {ago(at, now)}
    </time>
  );
}

export function Id({ value, to }: { value: string; to?: string }) {
  // The head of an id is its time; the tail tells apart what came at the same moment.
  const short = value.length > 14 ? `…${value.slice(-10)}` : value;
  return (
    <Group gap={4} wrap="nowrap" component="span" display="inline-flex">
      {to ? (
        <Anchor component={Link} href={to} size="sm" ff="monospace" title={value} style={{ whiteSpace: 'nowrap' }}>
          {short}
        </Anchor>
      ) : (
        <Code title={value}>{short}</Code>
      )}
      <CopyButton value={value}>
        {({ copied, copy }) => (
          <Tooltip label={copied ? t.copied : t.copy}>
            <ActionIcon size="sm" variant="subtle" color="gray" onClick={copy} aria-label={`${t.copy} ${value}`}>
              {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
            </ActionIcon>
          </Tooltip>
        )}
      </CopyButton>
    </Group>
  );
}

/** A table that scrolls within itself on narrow screens. */
export function Rows({ label, head, children }: { label: string; head: ReactNode[]; children: ReactNode }) {
  return (
    <Box style={{ overflowX: 'auto' }} tabIndex={0} role="region" aria-label={label}>
      <Table striped highlightOnHover verticalSpacing="xs">
        <Table.Thead>
          <Table.Tr>
            {head.map((name, index) => (
              <Table.Th key={index} style={{ whiteSpace: 'nowrap' }}>
                {name}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>{children}</Table.Tbody>
      </Table>
    </Box>
  );
}

/** A button that the server would refuse to this role is there, off, and says why. */
export function Act({
  needs,
  onClick,
  disabled,
  children,
  ...rest
}: ButtonProps & { needs: Scope; onClick: () => void; children: ReactNode; disabled?: boolean }) {
  const may = useMay(needs);
  const button = (
    <Button {...rest} onClick={onClick} disabled={disabled || !may}>
      {children}
    </Button>
  );
  return may ? (
    button
  ) : (
    <Tooltip label={t.notAllowed(needs)}>
      <span>{button}</span>
    </Tooltip>
  );
}

export interface Question {
  title: string;
  text: string;
  yes: string;
  danger?: boolean;
  disabled?: boolean;
  act: () => void;
  more?: ReactNode;
}

export function Confirm({ question, close }: { question: Question | null; close: () => void }) {
  return (
    <Modal opened={question !== null} onClose={close} title={question?.title} closeButtonProps={{ 'aria-label': t.close }}>
      {question && (
        <Stack>
          <Text size="sm">{question.text}</Text>
          {question.more}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t.cancel}
            </Button>
            <Button
              color={question.danger ? 'red' : undefined}
              disabled={question.disabled ?? false}
              onClick={() => {
                close();
                question.act();
              }}
            >
              {question.yes}
            </Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}

export function More({ query, label = t.more }: { query: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown }; label?: string }) {
  if (!query.hasNextPage) return null;
  return (
    <Group justify="center">
      <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
        {label}
      </Button>
    </Group>
  );
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <Text size="xs" c="dimmed">
        {name}
      </Text>
      <Text size="sm" component="div" style={{ overflowWrap: 'anywhere' }}>
        {children}
      </Text>
    </div>
  );
}

export function Findings({ found }: { found: { severity: string; code: string; message: string; node?: string | null; line?: number | null }[] }) {
  if (found.length === 0) return <Text size="sm">{t.processes.noFindings}</Text>;
  return (
    <Stack gap={6} component="ul" m={0} p={0} style={{ listStyle: 'none' }}>
      {found.map((finding, index) => (
        <li key={index}>
          <Group gap="xs" align="flex-start" wrap="nowrap">
            <State of={finding.severity} text={finding.severity} />
            <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
              {finding.message} <Code>{finding.code}</Code>
              {finding.node ? ` · ${finding.node}` : ''}
            </Text>
          </Group>
        </li>
      ))}
    </Stack>
  );
}

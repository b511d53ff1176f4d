// What is done to many messages in the background: how far it is, and what came of it.
import { Button, Card, Group, Progress, Stack, Text } from '@mantine/core';

import { api, ask, type Schemas } from '../api/client';
import { useOperations } from '../api/outside';
import { useChange } from '../api/queries';
import { t } from '../texts';
import { Act, State, useNow, When } from './parts';

type Operation = Schemas['OperationOut'];
const COLOUR: Record<string, string> = { running: 'running', paused: 'disabled', done: 'finished', cancelled: 'cancelled', failed: 'failed' };
// What has ended is shown for so long.
const SHOWN_MS = 5 * 60_000;

export function Operations() {
  const operations = useOperations();
  const now = useNow();
  const shown = (operations.data ?? []).filter((each) => each.finished === null || now - each.finished < SHOWN_MS);
  if (shown.length === 0) return null;
  return (
    <Stack gap="xs" component="section" aria-label={t.operations.title}>
      {shown.map((each) => (
        <Line key={each.id} of={each} />
      ))}
    </Stack>
  );
}

function Line({ of }: { of: Operation }) {
  const params = { path: { id: of.id } };
  const fresh = { fresh: ['operations', 'trash', 'tasks'] };
  const pause = useChange(() => ask(api.POST('/api/v1/operations/{id}/pause', { params })), fresh);
  const resume = useChange(() => ask(api.POST('/api/v1/operations/{id}/resume', { params })), fresh);
  const cancel = useChange(() => ask(api.POST('/api/v1/operations/{id}/cancel', { params })), fresh);
  const handled = of.done + of.gone + of.failed;
  return (
    <Card withBorder padding="sm">
      <Group justify="space-between" gap="xs">
        <Group gap="xs">
          <State of={COLOUR[of.state] ?? 'draft'} text={t.operations.states[of.state] ?? of.state} />
          <Text size="sm">
            {t.operations.kinds[of.kind]} · {t.operations.counts(of.done, of.gone, of.failed, of.total)}
          </Text>
          <Text size="xs" c="dimmed">
            {of.by} <When at={of.created} />
          </Text>
        </Group>
        <Group gap="xs">
          {of.state === 'running' && (
            <Act needs="operate" size="compact-sm" variant="default" onClick={() => pause.mutate(undefined)}>
              {t.operations.pause}
            </Act>
          )}
          {of.state === 'paused' && (
            <Act needs="operate" size="compact-sm" onClick={() => resume.mutate(undefined)}>
              {t.operations.resume}
            </Act>
          )}
          {(of.state === 'running' || of.state === 'paused') && (
            <Button size="compact-sm" variant="default" onClick={() => cancel.mutate(undefined)}>
              {t.operations.cancel}
            </Button>
          )}
        </Group>
      </Group>
      <Progress mt="xs" size="sm" aria-label={t.operations.kinds[of.kind]} value={of.total ? (100 * handled) / of.total : of.finished ? 100 : 0} />
      {of.error && (
        <Text size="sm" mt={4} style={{ overflowWrap: 'anywhere' }}>
          {of.error}
        </Text>
      )}
    </Card>
  );
}

import { Anchor, Button, Group, JsonInput, Modal, Select, Stack } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'wouter';

import { send, type Schemas } from '../api/client';
import { useChange, useNodes } from '../api/queries';
import { jsonFault, recentBodies, rememberBody } from '../lib/recent';
import { t } from '../texts';
import { Failure } from './parts';

export function StartDialog({ process, version, opened, close }: { process: string; version: number; opened: boolean; close: () => void }) {
  return (
    <Modal opened={opened} onClose={close} title={t.process.startTitle(process)} size="lg" closeButtonProps={{ 'aria-label': t.close }}>
      <StartForm process={process} version={version} />
    </Modal>
  );
}

function StartForm({ process, version }: { process: string; version: number }) {
  const nodes = useNodes(process, version);
  const starts = (nodes.data ?? []).filter((node) => node.kind === 'start');
  const [recent] = useState(() => recentBodies(process));
  const [body, setBody] = useState(() => recent[0] ?? '{}');
  const [node, setNode] = useState<string | null>(null);
  const fault = jsonFault(body);
  const target = node ?? (starts.length > 1 ? (starts[0]?.id ?? null) : null);
  const start = useChange(
    () => {
      const path = `/processes/${encodeURIComponent(process)}/start${target ? `/${encodeURIComponent(target)}` : ''}`;
      return send<Schemas['Started']>('POST', path, body, 'application/json');
    },
    {
      fresh: ['instances', 'queues', 'processes'],
      said: () => t.process.started,
      done: () => rememberBody(process, body),
    },
  );
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (fault === null) start.mutate(undefined);
      }}
    >
      <Stack>
        {start.error && <Failure error={start.error} />}
        {starts.length > 1 && (
          <Select
            label={t.process.startNode}
            allowDeselect={false}
            value={target}
            onChange={setNode}
            data={starts.map((each) => ({ value: each.id, label: each.label }))}
          />
        )}
        {recent.length > 1 && (
          <Select
            label={t.process.recent}
            data={recent.map((each, index) => ({ value: String(index), label: each.slice(0, 80) }))}
            onChange={(value) => value !== null && setBody(recent[Number(value)] ?? body)}
          />
        )}
        <JsonInput
          label={t.process.body}
          description={t.process.bodyAbout}
          value={body}
          onChange={setBody}
          error={fault}
          autosize
          minRows={6}
          maxRows={18}
          spellCheck={false}
          data-autofocus
        />
        <Group justify="space-between">
          {start.data ? (
            <Anchor component={Link} href={`/instance/${start.data.instance}`} underline="always">
              {t.process.toInstance}
            </Anchor>
          ) : (
            <span />
          )}
          <Button type="submit" loading={start.isPending} disabled={fault !== null}>
            {t.process.start}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

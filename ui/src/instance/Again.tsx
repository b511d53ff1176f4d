// Running an instance again from one of its messages, on its own or on another version, perhaps with another body.
import { Anchor, Button, Group, Modal, Select, Stack, Text, Textarea } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'wouter';

import { api, ask, type Schemas } from '../api/client';
import { useChange, useContent, useProcess } from '../api/queries';
import { jsonFault, pretty } from '../lib/recent';
import { t } from '../texts';
import { Failure, Shown } from '../ui/parts';

type Detail = Schemas['InstanceDetailOut'];

export function Again({ opened, close, of, message, name }: { opened: boolean; close: () => void; of: Detail; message: string; name: string }) {
  const content = useContent(of.id, opened ? message : null);
  return (
    <Modal opened={opened} onClose={close} title={t.hop.againTitle(name)} size="lg" closeButtonProps={{ 'aria-label': t.close }}>
      <Shown of={content}>{(data) => <AgainForm of={of} content={data} />}</Shown>
    </Modal>
  );
}

function AgainForm({ of, content }: { of: Detail; content: Schemas['ContentOut'] }) {
  const process = useProcess(of.process);
  const before = content.encoding === 'utf-8' ? pretty(content.body ?? '') : (content.body ?? '');
  const [body, setBody] = useState(before);
  const [version, setVersion] = useState(String(of.version));
  const run = useChange(
    () => {
      const other = body === before && content.body !== null ? {} : { body, encoding: content.encoding };
      return ask(
        api.POST('/api/v1/instances/{id}/resend', {
          params: { path: { id: of.id } },
          body: { message: content.message, version: Number(version), encoding: content.encoding, ...other },
        }),
      );
    },
    { fresh: ['instances', 'queues', 'processes'], said: () => t.hop.againDone },
  );
  const versions = (process.data?.versions ?? []).filter((each) => each.state === 'enabled' || each.state === 'disabled');
  const fault = content.encoding === 'utf-8' ? jsonFault(body) : null;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        run.mutate(undefined);
      }}
    >
      <Stack>
        <Text size="sm">{t.hop.againAbout}</Text>
        {run.error && <Failure error={run.error} />}
        {content.body === null && <Text size="sm">{t.hop.notKept}</Text>}
        <Select
          label={t.hop.againTo}
          allowDeselect={false}
          value={version}
          onChange={(value) => value && setVersion(value)}
          data={versions.map((each) => ({ value: String(each.version), label: `v${each.version} ${t.state[each.state]}` }))}
        />
        <Textarea
          label={t.hop.againBody}
          value={body}
          onChange={(event) => setBody(event.currentTarget.value)}
          autosize
          minRows={6}
          maxRows={18}
          spellCheck={false}
          styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }}
        />
        {fault !== null && (
          <Text size="sm" role="status">
            {t.trash.badJson} {fault}
          </Text>
        )}
        <Group justify="space-between">
          {run.data ? (
            <Anchor component={Link} href={`/instance/${run.data.instance}`} underline="always">
              {t.process.toInstance}
            </Anchor>
          ) : (
            <span />
          )}
          <Button type="submit" loading={run.isPending}>
            {t.hop.again}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

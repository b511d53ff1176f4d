// What is set of a process itself, beside its versions.
import { Autocomplete, Button, Card, Code, CopyButton, Group, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';

import { api, ask, type Schemas } from '../api/client';
import { useChange, useProcesses } from '../api/queries';
import { foldersOf } from '../lib/folders';
import { ScheduleList } from '../pages/Schedules';
import { t } from '../texts';
import { Act, Fact, Failure } from './parts';

export function ProcessSettings({ process }: { process: Schemas['ProcessOut'] }) {
  const processes = useProcesses();
  const [folder, setFolder] = useState(process.folder);
  const move = useChange(
    () => ask(api.PUT('/api/v1/processes/{process}', { params: { path: { process: process.name } }, body: { folder: folder.trim() } })),
    { fresh: ['processes'], said: () => t.tree.moved(process.name, folder) },
  );
  const address = `${window.location.origin}/processes/${encodeURIComponent(process.name)}/start`;
  return (
    <Stack>
      <Card withBorder>
        <Stack maw={620}>
          {move.error && <Failure error={move.error} />}
          <Group align="end">
            <Autocomplete
              label={t.processes.folder}
              description={t.process.folderHelp}
              placeholder={t.tree.top}
              style={{ flex: 1 }}
              value={folder}
              onChange={setFolder}
              data={foldersOf(processes.data ?? [])}
            />
            <Act needs="edit" variant="default" loading={move.isPending} disabled={folder.trim() === process.folder} onClick={() => move.mutate(undefined)}>
              {t.save}
            </Act>
          </Group>
          <Fact name={t.process.startAddress}>
            <Text size="xs" c="dimmed">
              {t.process.startAddressHelp}
            </Text>
            <Group gap="xs" wrap="nowrap" mt={4}>
              <Code style={{ overflowWrap: 'anywhere' }}>POST {address}</Code>
              <CopyButton value={address}>
                {({ copied, copy }) => (
                  <Button size="compact-xs" variant="default" onClick={copy}>
                    {copied ? t.copied : t.copy}
                  </Button>
                )}
              </CopyButton>
            </Group>
          </Fact>
        </Stack>
      </Card>
      <Title order={2} size="h5">
        {t.process.schedules}
      </Title>
      <ScheduleList process={process.name} />
    </Stack>
  );
}

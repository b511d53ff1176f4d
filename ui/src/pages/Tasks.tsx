import { t } from '../texts';
import { Page } from '../ui/parts';
import { PlacedList } from '../ui/placed';

export default function Tasks() {
  return (
    <Page title={t.tasks.title}>
      <PlacedList place="tasks" />
    </Page>
  );
}

"""What this node measured, on its way to the controller's history.

`assembly` puts it together for an agent that has joined. Who says what is in docs/queue.md.

    sample loop ──▶ recorder ──▶ sending ──▶ controller
    others' values ──▲              │ ▲
                                    ▼ │ what could not be sent
                                   spool

The recorder takes a row every ten seconds; rows of a minute are one batch, and the open minute is sent again
each time that it has grown. Minutes that the controller did not acknowledge wait in files. `columns` and
`minute` are pure.
"""

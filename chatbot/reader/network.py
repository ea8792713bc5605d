"""The reader's network: all-MiniLM-L6-v2, which reads question and passage together.

Every layer attends across both texts, as in BERT's own question answering. For each token of the
passage it says how well an answer begins or ends there, and for the pair whether the passage
answers at all: the first token's state tells that together with those of the tokens where an
answer would stand, so that a likely phrase that the rest of the passage speaks against can be
refused (as a verifier does: Zhang et al. 2020, https://arxiv.org/abs/2001.09694).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from index.embed import packaged_minilm

BARRED = -1e4
"""The logit of a token where no answer can stand."""


class Network(nn.Module):  # type: ignore[misc]
    """Token ids of question and passage → logits of spans and of answering."""

    def __init__(self, attention: str = "sdpa") -> None:
        super().__init__()
        from transformers import AutoModel

        # Attention that drops some of its weights in training has no fast way on a CPU, and takes a
        # third of a step.
        self.encoder: Any = AutoModel.from_pretrained(
            packaged_minilm(),
            attn_implementation=attention,
            add_pooling_layer=False,
            attention_probs_dropout_prob=0.0,
        )
        # Fine-tuning moves the words that it sees, and not the many more that readers will use.
        self.encoder.embeddings.word_embeddings.weight.requires_grad_(False)
        width = self.encoder.config.hidden_size
        self.spans = nn.Linear(width, 2)
        self.joined = nn.Linear(2 * width, width)
        self.answers = nn.Linear(width, 1)
        self.dropout = nn.Dropout(0.1)

    def forward(
        self, ids: torch.Tensor, segments: torch.Tensor, mask: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Token ids, 0 for question and 1 for passage, 1 where a token stands, each (b, n).

        Gives (b, n, 2), the logits that an answer begins and ends at a token, where the first
        token stands for "nowhere" and the question's others are barred; and (b,), the logit that
        the passage answers.
        """
        found = self.encoder(input_ids=ids, token_type_ids=segments, attention_mask=mask)
        states = self.dropout(found.last_hidden_state)
        spans = self.spans(states)
        passage = (segments if mask is None else segments * mask).to(spans.dtype)[..., None]
        inside = spans + (1.0 - passage) * BARRED
        weights = inside.softmax(dim=1).mean(dim=2, keepdim=True)
        first = states[:, 0]
        joined = torch.cat([first, (weights * states).sum(dim=1)], dim=1)
        answers = self.answers(torch.tanh(self.joined(joined))).squeeze(-1)
        nowhere = torch.cat([spans[:, :1], inside[:, 1:]], dim=1)
        return nowhere, answers
